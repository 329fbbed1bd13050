"""The TensorFlow engine: gradient tapes around stateless evaluations, under any `tf.distribute` strategy."""

import functools

import keras
import tensorflow as tf
from keras import ops

from kerasgan.data.pipeline import ArrayBatches, Share
from kerasgan.distribute import check_batch_size
from kerasgan.game.averages import update_averages
from kerasgan.game.batches import check_first_batch, first_batch
from kerasgan.game.optimizers import all_finite, update_loss_scale
from kerasgan.game.phase import Moment, micro_batch
from kerasgan.game.randomness import SeededNoise, noise_states, seeded_noise
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


def compiled_inference(network, finish):
    """The network's inference with the noise of a seed, as one compiled function.

    Args:
        network: A built Keras model.
        finish: Function of its outputs.

    Returns:
        Function of (inputs, seed, first, strength, fixed), of which the last is a Python boolean; see
        `kerasgan.game.randomness.SeededNoise`.
    """

    def call(inputs, seed, first, strength, fixed):
        noise = SeededNoise(seed, first, strength, fixed)
        with keras.StatelessScope(noise_states(network, seed, first)), seeded_noise(noise):
            return finish(network(inputs, training=False))

    compiled = tf.function(call, autograph=False, reduce_retracing=True)

    def run(inputs, seed, first, strength, fixed):
        numbers = tf.constant(seed, "uint32"), tf.constant(first, "uint32"), tf.constant(strength, "float32")
        return compiled(inputs, *numbers, fixed)

    return run


def known_value(variable):
    """A variable's present value as a NumPy array, also while something is traced."""
    with tf.init_scope():
        return variable.value.numpy()


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

    _moment: Moment | None
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

    @staticmethod
    def compiled_function(fn):
        """A function of tensors, compiled for the device."""
        return tf.function(fn, reduce_retracing=True, autograph=False)

    def trace(self, fn, specs):
        """Result of `fn` on symbolic inputs of the given specs (KerasTensors or None), nothing computed."""

        def as_spec(part):
            return None if part is None else tf.TensorSpec(part.shape, part.dtype)

        signature = [tf.nest.map_structure(as_spec, spec) for spec in specs]
        names = []

        def traced(*inputs):
            with keras.StatelessScope([(v, tf.convert_to_tensor(v.value)) for v in self.trainable_variables]):
                names.append(fn(*inputs))

        tf.function(traced, autograph=False).get_concrete_function(*signature)
        return names[0]

    def train_step(self, data, plan=None):
        """One step on this replica as a `Plan` says, by default the one for the saved counters."""
        if plan is None:
            plan = self.plan(self._read_moment())
        self.begin_step(plan)
        batch = self.as_batch(data)
        replicas = self.distribute_strategy.num_replicas_in_sync
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        size = tf.shape(tf.nest.flatten(batch.x)[0])[0] * replicas
        step = tf.convert_to_tensor(self.iterations.value)
        logs = {}
        for phases in self.turns(plan.due):
            logs.update(self._play(phases, batch, step, replica, replicas))
            update_averages(self, phases, size)
        self.count_step(size)
        return logs

    def _play(self, phases, batch, step, replica, replicas):
        """Differentiates the losses of phases together and updates what they own."""
        optimizers = [self.optimizer[phase.optimizer] for phase in phases]
        trained = [self.trained_by(phase) for phase in phases]
        everyone = {id(v): v for variables in trained for v in variables}
        values = {i: tf.convert_to_tensor(v.value) for i, v in everyone.items()}
        owned = [(v, tf.convert_to_tensor(v.value)) for v in self._owned_by(phases)]

        def differentiate(batch, carried=(), part=None):
            """(gradients of each phase, gradient of the samples or [], states, logs) of a batch or a micro-batch."""
            mapping = [(v, values[i]) for i, v in everyone.items()] + self.random_states(phases, step, replica, part)
            probe = Probe() if self.signals else None
            with tf.GradientTape(persistent=len(phases) > 1, watch_accessed_variables=False) as tape:
                tape.watch(list(values.values()))
                with keras.StatelessScope([*mapping, *carried]) as scope, probing(probe):
                    outcomes = self.evaluate_losses(phases, batch)
                    logs = {name: ops.cast(value, "float32") for _, logs in outcomes for name, value in logs.items()}
                    # Keras optimizers sum gradients over replicas, so each contributes its share of the mean.
                    objectives = [
                        optimizer.scale_loss(loss) / replicas
                        for optimizer, (loss, _) in zip(optimizers, outcomes, strict=True)
                    ]
            seen = [
                [probe.samples] if probe and probe.samples is not None and phase.name == WITH_SAMPLES else []
                for phase in phases
            ]
            gradients = [
                tape.gradient(objective, [[values[id(v)] for v in variables], samples], unconnected_gradients="zero")
                for objective, variables, samples in zip(objectives, trained, seen, strict=True)
            ]
            return *zip(*gradients, strict=True), [scope.get_current_value(v) for v, _ in owned], logs

        parts = self.micro_batches(batch, replicas)
        accumulate = functools.partial(self._accumulate, differentiate, phases, trained, owned, batch, parts)
        gradients, samples, news, logs = differentiate(batch) if parts == 1 else accumulate()
        news = {id(v): new for (v, _), new in zip(owned, news, strict=True) if new is not None}
        factors = [optimizer.scale_loss(tf.ones(())) / replicas for optimizer in optimizers] if self.signals else []
        for place, (phase, optimizer, variables) in enumerate(zip(phases, optimizers, trained, strict=True)):
            states = [(v, news[id(v)]) for v in self.owned_by(phase) if id(v) in news]
            gradient, seen = gradients[place], samples[place]
            waited = logs.get(f"{phase.name}_waited")
            logs.update(self._update(phase, optimizer, gradient, variables, states, waited))
            if self.signals:
                before, after = [values[id(v)] for v in variables], [tf.convert_to_tensor(v.value) for v in variables]
                logs[PREFIX + phase.name] = update_signals(gradient, before, after, factors[place], *seen)
        return logs

    def _accumulate(self, differentiate, phases, trained, owned, batch, parts):
        """What `differentiate` gives for a whole batch, computed one micro-batch after the other: the mean of gradients
        and logs; states pass from each to the next."""
        names = [log for phase in phases for log in self.traces[phase.name].logs]

        def play(part, sums, states, totals):
            with micro_batch(part, parts):
                carried = [(v, state) for (v, _), state in zip(owned, states, strict=True)]
                gradients, _, news, logs = differentiate(self.micro_batch(batch, part, parts), carried, part)
            sums = [[a + b / parts for a, b in zip(x, y, strict=True)] for x, y in zip(sums, gradients, strict=True)]
            news = [old if new is None else new for old, new in zip(states, news, strict=True)]
            logs = [total + logs.get(name, 0.0) / parts for name, total in zip(names, totals, strict=True)]
            return part + 1, sums, news, logs

        zeros = [[tf.zeros_like(v.value) for v in variables] for variables in trained]
        start = (tf.constant(0), zeros, [state for _, state in owned], [tf.zeros(()) for _ in names])
        _, gradients, states, logs = tf.while_loop(
            lambda part, *_: part < parts, play, start, maximum_iterations=parts, parallel_iterations=1
        )
        return gradients, [[] for _ in phases], states, dict(zip(names, logs, strict=True))

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
        """A function of an iterator that plays one or several steps, as planned on the host."""
        if self.train_function is None or force:
            self._step_functions = {}
            self.train_function = self._run
        return self.train_function

    def _run(self, iterator):
        if self._steps_to_skip > 0:
            return self._skip(iterator)
        moment = self._read_moment() if self._moment is None else self._moment
        self._moment = None  # to be read again, if the data end within the call
        count = self.steps_per_execution
        if count > 1 and isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
            size = self.recipe.largest_batch
            pattern = tuple(self.plan(Moment(moment.step + i, moment.images + i * size)) for i in range(count))
            logs = self._step_function(pattern)(iterator)
            self.has_run(*pattern)
            self._moment = None if self.counts_images else Moment(moment.step + count, moment.images)
            return logs
        for _ in range(count):
            data, plan = self._seen(next(iterator)), self.plan(moment)
            logs = self._step_function((plan,))(data)
            self.has_run(plan)
            moment = Moment(moment.step + 1, moment.images + (self._rows(data) if self.counts_images else 0))
        self._moment = moment
        return logs

    def _seen(self, data):
        """The data of a step, whose values are looked at: on each replica its own."""
        local = self.distribute_strategy.experimental_local_results
        if self.distribute_strategy.num_replicas_in_sync == 1:
            self.see_batch(data)
        else:
            here = len(local(tf.nest.flatten(data)[0]))
            for place in range(here):
                mine = tf.nest.map_structure(lambda part, place=place: local(part)[place], data)
                self.see_batch(mine, last=place == here - 1)
        return data

    def _rows(self, data):
        """Samples of a batch, over all replicas."""
        strategy = self.distribute_strategy
        part = strategy.experimental_local_results(tf.nest.flatten(data)[0])[0]
        return part.shape[0] * strategy.num_replicas_in_sync

    def _skip(self, iterator):
        """Passes by what an earlier process has trained on; the epoch's logs are as that one left them."""
        for _ in range(self.steps_per_execution):
            next(iterator)
        self._steps_to_skip -= self.steps_per_execution
        for tracker, values in zip(self.trackers.values(), self.take_up_logs(), strict=True):
            for variable, value in zip(tracker.variables, values, strict=True):
                variable.assign(value)
        return self._results()

    def _step_function(self, pattern):
        """Compiled steps with the given plans: of one batch, or of an iterator where there are several."""
        if pattern not in self._step_functions:
            several = len(pattern) > 1
            self._step_functions[pattern] = self._several_steps(pattern) if several else self._one_step(pattern[0])
        return self._step_functions[pattern]

    def _compile(self, fn, **options):
        return fn if self.run_eagerly else tf.function(fn, reduce_retracing=True, **options)

    def _one_step(self, plan):
        """A function of a batch, over all replicas."""

        def play(data):
            strategy = self.distribute_strategy
            # Where data end within a call, what needs none, such as a counter, must not count a step all the same.
            with tf.control_dependencies([d for d in tf.nest.flatten(data, expand_composites=True) if d is not None]):
                logs = strategy.run(self.train_step, args=(data, plan))
            for name, value in logs.items():
                self.track(name, strategy.reduce("MEAN", value, axis=None))
            return self._results()

        return self._compile(play, jit_compile=self.jit_compile, autograph=False)

    def _several_steps(self, pattern):
        """A function of an iterator: a loop in the graph over the shortest repeating part of the pattern."""
        period = next(n for n in range(1, len(pattern) + 1) if pattern == pattern[:n] * (len(pattern) // n))
        steps = {plan: self._one_step(plan) for plan in set(pattern)}

        def play(iterator):
            for _ in tf.range(len(pattern) // period):
                for plan in pattern[:period]:
                    steps[plan](next(iterator))
            return self._results()

        return self._compile(play)

    def _results(self):
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Keras' look at the first batch before training: nothing is left to build, the data are checked."""
        if data_batch is None:
            data_batch = first_batch(iterator)
        local = self.distribute_strategy.experimental_local_results

        def of_first_replica(value):
            mine = local(value)[0]
            return mine.numpy() if hasattr(mine, "numpy") else mine  # train_on_batch takes arrays

        batch = self.as_batch(tf.nest.map_structure(of_first_replica, data_batch))
        if not self._data_checked:
            check_first_batch(self, batch)
