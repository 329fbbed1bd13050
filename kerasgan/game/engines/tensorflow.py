"""The TensorFlow engine: gradient tapes around stateless evaluations, under any `tf.distribute` strategy."""

import keras
import tensorflow as tf
from keras import ops

from kerasgan.data.pipeline import ArrayBatches, Share
from kerasgan.distribute import check_batch_size
from kerasgan.game.optimizers import all_finite, update_loss_scale
from kerasgan.game.signals import PREFIX, WITH_SAMPLES, Probe, probing, update_signals


def input_gradient(fn, x):
    """Gradient of `sum(fn(x))` with respect to `x`, itself differentiable (for penalties)."""
    return gradients(lambda tensors: tf.reduce_sum(fn(tensors[0])), [tf.convert_to_tensor(x)])[0]


def gradients(fn, tensors):
    """Gradients of the scalar `fn(tensors)` with respect to each of a list of tensors, themselves differentiable."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value = fn(tensors)
    return tape.gradient(value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def have_gradient(fn, values):
    """Whether the gradient of the scalar `fn(values)` with respect to each of some tensors is other than zero."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        value = fn(values)
    return [g is not None and bool(tf.math.count_nonzero(g) > 0) for g in tape.gradient(value, values)]


def compiled_call(network):
    """The network's inference as one compiled function of its inputs (a tensor or a list of tensors)."""
    return tf.function(lambda inputs: network(inputs, training=False), reduce_retracing=True)


def replica():
    """(index of this replica, number of replicas) where a step is evaluated."""
    context = tf.distribute.get_replica_context()
    return (0, 1) if context is None else (context.replica_id_in_sync_group, context.num_replicas_in_sync)


def fused_normalization(x, scale, offset, epsilon):
    """Batch normalization of images by one kernel, for which the usual formula takes seven passes over them.

    Args:
        x: tensor of shape (batch, height, width, channels).
        scale: float32 tensor of shape (channels,).
        offset: likewise.
        epsilon: added to the variance.

    Returns:
        (normalized images, their mean, their variance); None where the kernel does not serve: for other shapes, in
        float64, and on several replicas, whose statistics are of the whole batch.
    """
    if len(x.shape) != 4 or x.dtype not in (tf.float32, tf.bfloat16, tf.float16) or replica()[1] > 1:
        return None
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = tf.cast(tf.reduce_prod(tf.shape(x)[:3]), variance.dtype)
    return y, mean, variance * (count - 1) / count  # the kernel's is the unbiased one


def gather(tensors):
    """Tensors of all replicas, one after the other along the first axis; the same on each replica."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensors
    return context.all_gather(tensors, axis=0)


class Engine:
    """How `AdversarialModel` plays a step on TensorFlow."""

    _host_step: int | None
    _data_checked: bool
    _steps_to_skip: int

    @property
    def has_peers(self):
        """Whether other processes train the same model."""
        strategy = self.distribute_strategy
        return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and strategy.num_replicas_in_sync > 1

    @property
    def is_chief(self):
        """Whether this process writes what a training leaves: all but the further workers of several."""
        if not self.has_peers:
            return True
        resolver = self.distribute_strategy.cluster_resolver
        has_chief = "chief" in resolver.cluster_spec().jobs
        return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)

    def anywhere(self, flag):
        """Whether a flag is up in any of the processes that train together; each has to ask at the same step."""
        strategy = self.distribute_strategy
        if not self.has_peers:
            return flag

        if self._agreement is None:
            self._agreement = tf.function(lambda mine: strategy.reduce("SUM", strategy.run(tf.identity, (mine,)), None))
        return float(self._agreement(tf.constant(float(flag)))) > 0

    def resolve_jit(self, jit_compile):
        """True or False for "auto"; refuses what TensorFlow cannot do."""
        replicated = self.distribute_strategy.num_replicas_in_sync > 1
        if jit_compile is True and replicated:
            raise ValueError(
                "jit_compile=True under a strategy of several replicas fails in TensorFlow (collectives inside XLA). "
                "Pass jit_compile=False, or train on the JAX engine."
            )
        if jit_compile == "auto":
            return bool(tf.config.list_logical_devices("GPU")) and not replicated
        return bool(jit_compile)

    def scope(self):
        """Where variables of the model are made."""
        return self.distribute_strategy.scope()

    def trace(self, fn, specs):
        """Result of `fn` on symbolic inputs of the given specs (KerasTensors or None), nothing computed."""
        signature = [spec if spec is None else tf.TensorSpec(spec.shape, spec.dtype) for spec in specs]
        names = []

        def traced(*inputs):
            with keras.StatelessScope([(v, tf.convert_to_tensor(v.value)) for v in self.trainable_variables]):
                names.append(fn(*inputs))

        tf.function(traced, autograph=False).get_concrete_function(*signature)
        return names[0]

    def train_step(self, data, due=None):
        """One step on this replica: the phases named in `due`, by default those due at the saved counter."""
        if due is None:
            due = self.due(int(ops.convert_to_numpy(self.iterations)))
        batch = self.as_batch(data)
        replicas = self.distribute_strategy.num_replicas_in_sync
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        size = tf.shape(tf.nest.flatten(batch.x)[0])[0] * replicas
        step = tf.convert_to_tensor(self.iterations.value)
        logs = {}
        for phases in self.turns(due):
            logs.update(self._play(phases, batch, step, replica, replicas))
            self.update_averages(phases, size)
        self.count_step(size)
        return logs

    def _play(self, phases, batch, step, replica, replicas):
        """Differentiates the losses of phases together and updates what they own."""
        optimizers = [self.optimizer[phase.optimizer] for phase in phases]
        trained = [self.trained_by(phase) for phase in phases]
        everyone = {id(v): v for variables in trained for v in variables}
        values = {i: tf.convert_to_tensor(v.value) for i, v in everyone.items()}
        mapping = [(v, values[i]) for i, v in everyone.items()] + self.random_states(phases, step, replica)
        probe = Probe() if self.signals else None
        with tf.GradientTape(persistent=len(phases) > 1, watch_accessed_variables=False) as tape:
            tape.watch(list(values.values()))
            with keras.StatelessScope(mapping) as scope, probing(probe):
                outcomes = self.evaluate_losses(phases, batch)
                logs = {name: ops.cast(value, "float32") for _, logs in outcomes for name, value in logs.items()}
                # Keras optimizers sum gradients over replicas, so each contributes its share of the mean.
                objectives = [
                    optimizer.scale_loss(loss) / replicas
                    for optimizer, (loss, _) in zip(optimizers, outcomes, strict=True)
                ]
        samples = [
            [probe.samples] if probe and probe.samples is not None and phase.name == WITH_SAMPLES else []
            for phase in phases
        ]
        gradients = [
            tape.gradient(objective, [values[id(v)] for v in variables] + seen, unconnected_gradients="zero")
            for objective, variables, seen in zip(objectives, trained, samples, strict=True)
        ]
        factors = [optimizer.scale_loss(tf.ones(())) / replicas for optimizer in optimizers] if probe else []
        for place, (phase, optimizer, variables) in enumerate(zip(phases, optimizers, trained, strict=True)):
            states = [(v, scope.get_current_value(v)) for v in self.owned_by(phase)]
            states = [(v, new) for v, new in states if new is not None]
            gradient, seen = gradients[place][: len(variables)], gradients[place][len(variables) :]
            waited = logs.get(f"{phase.name}_waited")
            logs.update(self._update(phase, optimizer, gradient, variables, states, waited))
            if probe:
                before, after = [values[id(v)] for v in variables], [tf.convert_to_tensor(v.value) for v in variables]
                logs[PREFIX + phase.name] = update_signals(gradient, before, after, factors[place], *seen)
        return logs

    def _update(self, phase, optimizer, gradients, variables, states, waited):
        """Applies one phase's gradients and new states; all or, where it waits or the game is guarded, nothing."""
        if not self.guarded and waited is None:
            for variable, new in states:
                variable.assign(new)
            optimizer.apply(gradients, variables)
            return {}
        context = tf.distribute.get_replica_context()
        finite = all_finite([*gradients, *(new for _, new in states)]) if self.guarded else tf.constant(True)
        if self.guarded and context.num_replicas_in_sync > 1:  # one replica's overflow is everyone's
            finite = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(~finite, tf.float32)) == 0.0
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if scaled:
            scale = tf.convert_to_tensor(optimizer.dynamic_scale)
            gradients = [gradient / tf.cast(scale, gradient.dtype) for gradient in gradients]

        def accept(gradients, states):
            for (variable, _), new in zip(own, states, strict=True):
                variable.assign(new)
            (optimizer.inner_optimizer if scaled else optimizer).apply(gradients, variables)

        def decide(strategy, finite, accepted, gradients, states):
            """A condition around collectives has to stand outside of the replicas."""
            if strategy is not None:
                finite, accepted = (strategy.experimental_local_results(flag)[0] for flag in (finite, accepted))
            run = accept if strategy is None else strategy.extended.call_for_each_replica
            arguments = (gradients, states) if strategy is None else (accept, (gradients, states))
            tf.cond(accepted, lambda: (run(*arguments), tf.no_op())[1], tf.no_op)
            if scaled:
                update_loss_scale(optimizer, finite)

        own, new_states = states, [new for _, new in states]
        accepted = finite if waited is None else finite & (waited < 0.5)
        if tf.__internal__.distribute.strategy_supports_no_merge_call():
            decide(None, finite, accepted, gradients, new_states)
        else:
            context.merge_call(decide, args=(finite, accepted, gradients, new_states))
        if not self.guarded:
            return {}
        self.count_skipped(finite)
        return {f"{phase.name}_skipped": 1.0 - tf.cast(finite, tf.float32)}

    def distributed(self, data):
        """Array batches or a data set of whole batches as what `fit` is given: each replica's share of them."""
        strategy = self.distribute_strategy
        replicas = strategy.num_replicas_in_sync
        if isinstance(data, ArrayBatches):
            check_batch_size(data.batch_size, replicas)
            if not self.has_peers:
                return data.tf_dataset()  # Keras splits its batches

            def mine(context):
                here = replicas // context.num_input_pipelines
                return data.tf_dataset(Share(replicas, here * context.input_pipeline_id, here))

            return strategy.distribute_datasets_from_function(mine)
        if replicas == 1 or not isinstance(data, tf.data.Dataset):
            return data
        size = tf.nest.flatten(data.element_spec)[0].shape[0]
        if size is not None and size % replicas == 0:
            return data

        def shared(*batch):  # what replicas cannot share equally would get more weight in the mean over them
            rows = tf.shape(tf.nest.flatten(batch)[0])[0]
            whole = rows - rows % replicas
            batch = tf.nest.map_structure(lambda part: None if part is None else part[:whole], batch)
            return batch if len(batch) > 1 else batch[0]

        return data.map(shared).filter(lambda *batch: tf.shape(tf.nest.flatten(batch)[0])[0] > 0)

    def make_train_function(self, force=False):
        """A function of an iterator that plays the due phases of one or several steps; due is decided on the host."""
        if self.train_function is None or force:
            self._step_functions = {}
            self.train_function = self._run
        return self.train_function

    def _run(self, iterator):
        if self._steps_to_skip > 0:
            return self._skip(iterator)
        if self._host_step is None:
            self._host_step = int(ops.convert_to_numpy(self.iterations))
        step, self._host_step = self._host_step, None  # stays None, to be read again, if the data end within the call
        count = self.steps_per_execution
        if count == 1:
            logs = self._step_function((self.due(step),))(next(iterator))
        elif isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
            pattern = tuple(self.due(step + i) for i in range(count))
            logs = self._step_function(pattern)(iterator)
        else:
            for i in range(count):
                logs = self._step_function((self.due(step + i),))(next(iterator))
        self._host_step = step + count
        return logs

    def _skip(self, iterator):
        """Passes by what an earlier process has trained on; the epoch's logs are as that one left them."""
        for _ in range(self.steps_per_execution):
            next(iterator)
        self._steps_to_skip -= self.steps_per_execution
        for tracker, values in zip(self.trackers.values(), self._logs_so_far, strict=True):
            for variable, value in zip(tracker.variables, values, strict=True):
                variable.assign(value)
        return self._results()

    def _step_function(self, pattern):
        """Compiled steps with the given due phases: of one batch, or of an iterator where there are several."""
        if pattern not in self._step_functions:
            several = len(pattern) > 1
            self._step_functions[pattern] = self._several_steps(pattern) if several else self._one_step(pattern[0])
        return self._step_functions[pattern]

    def _compile(self, fn, **options):
        return fn if self.run_eagerly else tf.function(fn, reduce_retracing=True, **options)

    def _one_step(self, due):
        """A function of a batch, over all replicas."""

        def play(data):
            strategy = self.distribute_strategy
            # Where data end within a call, what needs none, such as a counter, must not count a step all the same.
            with tf.control_dependencies([d for d in tf.nest.flatten(data, expand_composites=True) if d is not None]):
                logs = strategy.run(self.train_step, args=(data, due))
            for name, value in logs.items():
                self.track(name, strategy.reduce("MEAN", value, axis=None))
            return self._results()

        return self._compile(play, jit_compile=self.jit_compile, autograph=False)

    def _several_steps(self, pattern):
        """A function of an iterator: a loop in the graph over the shortest repeating part of the pattern."""
        period = next(n for n in range(1, len(pattern) + 1) if pattern == pattern[:n] * (len(pattern) // n))
        steps = {due: self._one_step(due) for due in set(pattern)}

        def play(iterator):
            for _ in tf.range(len(pattern) // period):
                for due in pattern[:period]:
                    steps[due](next(iterator))
            return self._results()

        return self._compile(play)

    def _results(self):
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Keras' look at the first batch before training: nothing is left to build, the data are checked."""
        if data_batch is None:
            data_batch = next((next(batches) for _, _, batches in iterator), None)
        if data_batch is None:
            raise ValueError("The data set is empty: fit() needs at least one batch.")
        local = self.distribute_strategy.experimental_local_results

        def of_first_replica(value):
            mine = local(value)[0]
            return None if mine is None else mine.numpy()

        batch = self.as_batch(tf.nest.map_structure(of_first_replica, data_batch))
        if not self._data_checked:
            self.check_data(batch.x, batch.y)
