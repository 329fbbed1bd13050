"""The TensorFlow engine: gradient tapes around stateless evaluations, under any `tf.distribute` strategy."""

import keras
import tensorflow as tf
from keras import ops

from kerasgan.optimizers import all_finite, update_loss_scale


def input_gradient(fn, x):
    """Gradient of `sum(fn(x))` with respect to `x`, itself differentiable (for penalties)."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(fn(x))
    return tape.gradient(total, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def compiled_call(network):
    """The network's inference as one compiled function of its inputs (a tensor or a list of tensors)."""
    return tf.function(lambda inputs: network(inputs, training=False), reduce_retracing=True)


class Engine:
    """How `AdversarialModel` plays a step on TensorFlow."""

    _host_step: int | None

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
        with tf.GradientTape(persistent=len(phases) > 1, watch_accessed_variables=False) as tape:
            tape.watch(list(values.values()))
            with keras.StatelessScope(mapping) as scope:
                outcomes = self.evaluate_losses(phases, batch)
                logs = {name: ops.cast(value, "float32") for _, logs in outcomes for name, value in logs.items()}
                # Keras optimizers sum gradients over replicas, so each contributes its share of the mean.
                objectives = [
                    optimizer.scale_loss(loss) / replicas
                    for optimizer, (loss, _) in zip(optimizers, outcomes, strict=True)
                ]
        gradients = [
            tape.gradient(objective, [values[id(v)] for v in variables], unconnected_gradients="zero")
            for objective, variables in zip(objectives, trained, strict=True)
        ]
        for phase, optimizer, gradient, variables in zip(phases, optimizers, gradients, trained, strict=True):
            states = [(v, scope.get_current_value(v)) for v in self.owned_by(phase)]
            states = [(v, new) for v, new in states if new is not None]
            logs.update(self._update(phase, optimizer, gradient, variables, states))
        return logs

    def _update(self, phase, optimizer, gradients, variables, states):
        """Applies one phase's gradients and new states; all or, where the game is guarded, nothing."""
        if not self.guarded:
            for variable, new in states:
                variable.assign(new)
            optimizer.apply(gradients, variables)
            return {}
        context = tf.distribute.get_replica_context()
        finite = all_finite([*gradients, *(new for _, new in states)])
        if context.num_replicas_in_sync > 1:  # one replica's overflow is everyone's
            finite = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(~finite, tf.float32)) == 0.0
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if scaled:
            scale = tf.convert_to_tensor(optimizer.dynamic_scale)
            gradients = [gradient / tf.cast(scale, gradient.dtype) for gradient in gradients]

        def accept(gradients, states):
            for (variable, _), new in zip(own, states, strict=True):
                variable.assign(new)
            (optimizer.inner_optimizer if scaled else optimizer).apply(gradients, variables)

        def decide(strategy, finite, gradients, states):
            """A condition around collectives has to stand outside of the replicas."""
            finite = finite if strategy is None else strategy.experimental_local_results(finite)[0]
            run = accept if strategy is None else strategy.extended.call_for_each_replica
            arguments = (gradients, states) if strategy is None else (accept, (gradients, states))
            tf.cond(finite, lambda: (run(*arguments), tf.no_op())[1], tf.no_op)
            if scaled:
                update_loss_scale(optimizer, finite)

        own, new_states = states, [new for _, new in states]
        if tf.__internal__.distribute.strategy_supports_no_merge_call():
            decide(None, finite, gradients, new_states)
        else:
            context.merge_call(decide, args=(finite, gradients, new_states))
        self.count_skipped(finite)
        return {f"{phase.name}_skipped": 1.0 - tf.cast(finite, tf.float32)}

    def make_train_function(self, force=False):
        """A function of an iterator that plays the due phases of one or several steps; due is decided on the host."""
        if self.train_function is None or force:
            self._step_functions = {}
            self.train_function = self._run
        return self.train_function

    def _run(self, iterator):
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
        first = tf.nest.map_structure(lambda value: None if value is None else local(value)[0].numpy(), data_batch)
        batch = self.as_batch(first)
        self.check_data(batch.x, batch.y)
