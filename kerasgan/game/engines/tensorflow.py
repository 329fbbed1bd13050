"""The TensorFlow engine: gradient tapes around stateless evaluations, under any `tf.distribute` strategy."""

import contextlib
import contextvars
import functools

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kerasgan.data.pipeline import ArrayBatches, Share
from kerasgan.distribute import check_batch_size
from kerasgan.game.averages import update_averages
from kerasgan.game.batches import check_first_batch, first_batch
from kerasgan.game.optimizers import all_finite, update_loss_scale
from kerasgan.game.phase import ForwardPass, Moment, micro_batch, tensors_of, with_tensors
from kerasgan.game.randomness import SeededNoise, noise_states, seeded_noise
from kerasgan.game.signals import PREFIX, WITH_SAMPLES, Probe, probing, update_signals

UNROLLED = 4  # longest sequence whose steps trace faster than a loop and its gradient


def input_gradient(fn, x):
    """Differentiable gradient of `sum(fn(x))` with respect to `x`, for penalties."""
    return gradients(lambda tensors: tf.reduce_sum(fn(tensors[0])), [tf.convert_to_tensor(x)])[0]


def gradients(fn, tensors):
    """Differentiable gradients of the scalar `fn(tensors)` with respect to each tensor in a list."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value = fn(tensors)
    return tape.gradient(value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def have_gradient(fn, values):
    """Returns whether the gradient of the scalar `fn(values)` with respect to each tensor is non-zero."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        value = fn(values)
    return [g is not None and bool(tf.math.count_nonzero(g) > 0) for g in tape.gradient(value, values)]


def row_values(fn, *tensors):
    """Applies a NumPy function to the rows of tensors, without a gradient.

    Args:
        fn: Function of arrays of shape (batch, ...) that returns an array of shape (batch,). It runs on the host.
        *tensors: Tensors of shape (batch, ...).

    Returns:
        A float32 tensor of shape (batch,).
    """
    values = tf.numpy_function(lambda *arrays: np.asarray(fn(*arrays), "float32"), tensors, "float32", stateful=False)
    return tf.ensure_shape(values, tensors[0].shape[:1])


def scan(fn, carry, xs):
    """Applies a function along a sequence, differentiably.

    Args:
        fn: Function of (carry, x) that returns (carry, y), each a tensor or a nest of tensors.
        carry: Initial carry. Its shapes and dtypes must not change.
        xs: Nest of tensors of shape (steps, ...), passed to `fn` one step at a time.

    Returns:
        The last carry, and all y, of shape (steps, ...).
    """
    xs = tf.nest.map_structure(tf.convert_to_tensor, xs)
    count = tf.nest.flatten(xs)[0].shape[0]

    def at(step):
        return tf.nest.map_structure(lambda x: x[step], xs)

    if count <= UNROLLED:
        ys = []
        for step in range(count):
            carry, y = fn(carry, at(step))
            ys.append(y)
        return carry, tf.nest.map_structure(lambda *parts: tf.stack(parts), *ys)
    carry, first = fn(carry, at(0))  # outside the loop, to learn the structure of y

    def store(y):
        return tf.TensorArray(y.dtype, count, element_shape=y.shape).write(0, y)

    def body(step, carry, stores):
        carry, y = fn(carry, at(step))
        return step + 1, carry, [each.write(step, part) for each, part in zip(stores, tf.nest.flatten(y), strict=True)]

    start = tf.constant(1), carry, [store(part) for part in tf.nest.flatten(first)]
    _, carry, stores = tf.while_loop(lambda step, *_: step < count, body, start, maximum_iterations=count - 1)
    return carry, tf.nest.pack_sequence_as(first, [each.stack() for each in stores])


def compiled_call(network):
    """Returns the network's inference as a compiled function of its inputs (a tensor or a list of tensors)."""
    return tf.function(lambda inputs: network(inputs, training=False), reduce_retracing=True)


def compiled_inference(network, finish):
    """Returns the network's inference with seeded noise, as a compiled function.

    Args:
        network: A built Keras model.
        finish: Function to apply to the outputs of the network.

    Returns:
        A function of (inputs, seed, first, strength, fixed), where `fixed` is a Python bool; see
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
    """A variable's current value as a NumPy array, even during tracing."""
    with tf.init_scope():
        return variable.value.numpy()


def replica():
    """Returns (index of this replica, number of replicas) in the current replica context."""
    context = tf.distribute.get_replica_context()
    return (0, 1) if context is None else (context.replica_id_in_sync_group, context.num_replicas_in_sync)


def fused_normalization(x, scale, offset, epsilon):
    """Batch normalization of images in one kernel; the standard formula takes seven passes over the images.

    Args:
        x: Tensor of shape (batch, height, width, channels).
        scale: Float32 tensor of shape (channels,).
        offset: Float32 tensor of shape (channels,).
        epsilon: Small number added to the variance.

    Returns:
        A tuple (normalized images, mean, variance), or None if the kernel does not apply: for other shapes, for
        float64, and on several replicas, whose statistics are those of the global batch.
    """
    if len(x.shape) != 4 or x.dtype not in (tf.float32, tf.bfloat16, tf.float16) or replica()[1] > 1:
        return None
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = tf.cast(tf.reduce_prod(tf.shape(x)[:3]), variance.dtype)
    return y, mean, variance * (count - 1) / count  # the kernel returns the unbiased variance


def leaky_relu(x, slope):
    """Leaky ReLU whose gradient has no gradient with respect to `x`, instead of a gradient of zeros.

    TensorFlow's version passes zeros on, so that a gradient penalty is propagated through the whole network once more.

    Args:
        x: Tensor.
        slope: Number that negative values are multiplied by.

    Returns:
        Tensor of the same shape.
    """
    if x.dtype == tf.float64:  # the kernel stores the slope in float32
        return tf.where(x > 0, x, slope * x)

    @tf.custom_gradient
    def activation(x):
        y = tf.nn.leaky_relu(x, slope)
        return y, lambda upstream: scaled(upstream, y)

    @tf.custom_gradient
    def scaled(upstream, y):
        result = tf.raw_ops.LeakyReluGrad(gradients=upstream, features=y, alpha=slope)
        return result, lambda outer: (scaled(outer, y), None)

    return activation(x)


def grouped_convolution(x, kernel, strides, padding, dilation):
    """Grouped convolution of images on a CPU with oneDNN's kernel.

    Args:
        x: Tensor of shape (batch, height, width, groups * depth).
        kernel: Tensor of shape (height, width, depth, filters), the filters of one group after those of another.
        strides: Pair of integers.
        padding: "same" or "valid".
        dilation: Pair of integers.

    Returns:
        Tensor of shape (batch, height, width, filters); None if the kernel cannot be used: for float64 and float16, and
        where oneDNN is turned off or not part of TensorFlow.
    """
    if not _has_grouped_gradients(x.dtype):
        return None
    return tf.nn.conv2d(x, kernel, strides, padding.upper(), dilations=dilation)


@functools.cache
def _has_grouped_gradients(dtype):
    """Whether this CPU's kernels can differentiate a grouped convolution: TensorFlow's own cannot."""
    with tf.init_scope(), tf.device("CPU:0"):
        x, kernel = tf.zeros((1, 1, 1, 2), dtype), tf.zeros((1, 1, 1, 2), dtype)
        options = {"out_backprop": x, "strides": [1, 1, 1, 1], "padding": "VALID"}
        try:
            tf.raw_ops.Conv2DBackpropInput(input_sizes=x.shape, filter=kernel, **options)
            tf.raw_ops.Conv2DBackpropFilter(input=x, filter_sizes=kernel.shape, **options)
        except tf.errors.OpError:
            return False
    return True


def convolution(x, kernel, strides, padding):
    """Returns None: TensorFlow's kernels have no slow case."""
    return None


FEW_FILTERS = 4  # up to this many filters, CPU kernels compute mostly padding
_PORTABLE: contextvars.ContextVar[bool] = contextvars.ContextVar("portable", default=False)


@contextlib.contextmanager
def portable():
    """Makes graphs traced in the block use operations that are fast in other runtimes."""
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)


def transposed_convolution(x, kernel, strides, padding):
    """Transposed convolution to few channels, such as those of images, on a CPU: a matrix product and shifted sums.

    TensorFlow's kernels take two to four times as long, since they compute at least as many channels as fill a
    register.

    Args:
        x: Tensor of shape (batch, *size, channels).
        kernel: Tensor of shape (*kernel size, filters, channels).
        strides: Integers, one for each dimension of the size.
        padding: "same" or "valid".

    Returns:
        Tensor of shape (batch, *larger size, filters); None for more filters, on other devices, in half precision, and
        in a graph that must be portable.
    """
    filters, channels = kernel.shape[-2:]
    sizes = x.shape[1:-1]
    small = filters is not None and filters <= FEW_FILTERS and x.dtype in (tf.float32, tf.float64)
    overlap = all(taps >= stride for taps, stride in zip(kernel.shape, strides, strict=False))
    known = None not in sizes and min(strides) > 1
    if not (small and overlap and known and padding == "same"):
        return None
    if _PORTABLE.get() or any(device.device_type != "CPU" for device in tf.config.list_physical_devices()):
        return None
    taps = [int(each) for each in kernel.shape[:-2]]
    matrix = tf.reshape(tf.transpose(kernel, (len(taps) + 1, *range(len(taps) + 1))), (channels, -1))
    y = tf.matmul(tf.reshape(x, (-1, channels)), matrix)
    y = tf.reshape(y, (-1, *sizes, *taps, filters))
    for axis, (count, stride) in enumerate(zip(taps, strides, strict=True)):
        y = _overlapping(y, 1 + axis, 1 + len(taps), count, stride)
    return y


def _overlapping(y, axis, of_taps, taps, stride):
    """Sums what each position contributes to its surroundings along one axis; removes the axis of the taps.

    Position i contributes its tap a to s i + a - p, where p is the padding before.
    """
    before, size = max(taps - stride, 0) // 2, y.shape[axis]
    parts = tf.unstack(y, axis=of_taps)
    sums = []
    for place in range(stride):
        total = None
        for tap, part in enumerate(parts):
            shift, rest = divmod(tap - before, stride)
            if rest != place or abs(shift) >= size:
                continue
            if shift:
                begin = [0] * part.shape.rank
                begin[axis] = max(-shift, 0)
                length = [-1] * part.shape.rank
                length[axis] = size - abs(shift)
                margins = [[0, 0]] * part.shape.rank
                margins[axis] = [max(shift, 0), max(-shift, 0)]
                part = tf.pad(tf.slice(part, begin, length), margins)
            total = part if total is None else total + part
        sums.append(total)
    joined = tf.stack(sums, axis=axis + 1)
    rest = joined.shape[axis + 2 :]
    return tf.reshape(joined, (-1, *joined.shape[1:axis], size * stride, *rest))


def gather(tensors):
    """Returns the tensors of all replicas, concatenated along the first axis and identical on each replica."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensors
    return context.all_gather(tensors, axis=0)


class Engine:
    """The part of `AdversarialModel` that runs steps on TensorFlow."""

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
        """Whether this process writes the files of the run: False only for workers other than the chief."""
        if not self.has_peers:
            return True
        resolver = self.distribute_strategy.cluster_resolver
        has_chief = "chief" in resolver.cluster_spec().jobs
        return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)

    def anywhere(self, flag):
        """Returns whether a flag is true in any process of the run. All processes must call it in the same step."""
        strategy = self.distribute_strategy
        if not self.has_peers:
            return flag

        if self._agreement is None:
            self._agreement = tf.function(lambda mine: strategy.reduce("SUM", strategy.run(tf.identity, (mine,)), None))
        return float(self._agreement(tf.constant(float(flag)))) > 0

    def resolve_jit(self, jit_compile):
        """Resolves "auto", and raises an error for combinations that TensorFlow does not support."""
        replicated = self.distribute_strategy.num_replicas_in_sync > 1
        if jit_compile is True and replicated:
            raise ValueError(
                "jit_compile=True is not supported by TensorFlow with several replicas (collectives inside XLA). "
                "Pass jit_compile=False, or train on the JAX engine."
            )
        if jit_compile == "auto":
            return bool(tf.config.list_logical_devices("GPU")) and not replicated
        return bool(jit_compile)

    def scope(self):
        """Scope in which variables of the model are created."""
        return self.distribute_strategy.scope()

    @staticmethod
    def compiled_function(fn):
        """Compiles a function of tensors for the device."""
        return tf.function(fn, reduce_retracing=True, autograph=False)

    def trace(self, fn, specs):
        """Returns the symbolic result of `fn` for given specs (KerasTensors or None), without any computation."""

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
        """Runs a step on this replica according to a `Plan`; by default that of the saved counters."""
        if plan is None:
            plan = self.plan(self._read_moment())
        self.begin_step(plan)
        batch = self.as_batch(data)
        replicas = self.distribute_strategy.num_replicas_in_sync
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        size = tf.shape(tf.nest.flatten(batch.x)[0])[0] * replicas
        step = tf.convert_to_tensor(self.iterations.value)
        logs, passing = {}, self.passing(plan.due)
        common = passing and self._pass_forward(passing, batch, step, replica)
        for phases in self.turns(plan.due):
            known = common if common and self.shares_pass(phases, passing) else None
            logs.update(self._play(phases, batch, step, replica, replicas, known))
            update_averages(self, phases, size)
        self.count_step(size)
        return logs

    def _pass_forward(self, phase, batch, step, replica):
        """The `ForwardPass` of a phase."""
        values = [(v, tf.convert_to_tensor(v.value)) for v in self.trained_by(phase)]
        random_states, probe = self.random_states((phase,), step, replica), Probe() if self.signals else None
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([value for _, value in values])
            with keras.StatelessScope([*values, *random_states]) as scope, probing(probe):
                results = self.run_forward_pass(batch)
            # Copies, because the gradient with respect to a tensor in two results would count twice.
            tensors = [tf.identity(tensor) for tensor in tensors_of(results)]
            results = with_tensors(results, tensors)
        states = [(v, scope.get_current_value(v)) for v in [*self.owned_by(phase), *(v for v, _ in random_states)]]
        seen = [probe.samples] if probe and probe.samples is not None and phase.name == WITH_SAMPLES else []

        def pull_back(gradients):
            sources = [[value for _, value in values], seen]
            return tape.gradient(tensors, sources, output_gradients=gradients, unconnected_gradients="zero")

        return ForwardPass(phase.name, results, tensors, pull_back, [each for each in states if each[1] is not None])

    def _play(self, phases, batch, step, replica, replicas, common=None):
        """Differentiates the losses of phases together and updates the variables that they own.

        Args:
            phases: The phases.
            batch: Batch of this replica.
            step: Step counter, a tensor.
            replica: Index of this replica, a tensor.
            replicas: Number of replicas.
            common: `ForwardPass` that the phases share with others, or `None`.
        """
        optimizers = [self.optimizer[phase.optimizer] for phase in phases]
        trained = [self.trained_by(phase) for phase in phases]
        everyone = {id(v): v for variables in trained for v in variables}
        values = {i: tf.convert_to_tensor(v.value) for i, v in everyone.items()}
        owned = [(v, tf.convert_to_tensor(v.value)) for v in self._owned_by(phases)]
        passed = common is not None and common.phase == phases[0].name
        through, carried_over = (common.tensors, common.states) if passed else ([], [])

        def differentiate(batch, carried=(), part=None):
            """Returns (gradients of phases, gradient of the samples or [], states, logs) of a batch."""
            mapping = [(v, values[i]) for i, v in everyone.items()] + self.random_states(phases, step, replica, part)
            probe = Probe() if self.signals else None
            with tf.GradientTape(persistent=len(phases) > 1, watch_accessed_variables=False) as tape:
                tape.watch([*values.values(), *through])
                with keras.StatelessScope([*mapping, *carried_over, *carried]) as scope, probing(probe):
                    outcomes = self.evaluate_losses(phases, batch, common.results if common else ())
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
            sources = [
                [[values[id(v)] for v in variables], samples, through]
                for variables, samples in zip(trained, seen, strict=True)
            ]
            gradients = [
                tape.gradient(objective, source, unconnected_gradients="zero")
                for objective, source in zip(objectives, sources, strict=True)
            ]
            if passed:
                direct, _, slopes = gradients[0]
                behind, of_samples = common.pull_back(slopes)
                gradients = [([a + b for a, b in zip(direct, behind, strict=True)], of_samples)]
            gradients = [each[:2] for each in gradients]
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
        """Computes the result of `differentiate` for a batch from a sequence of micro-batches.

        Gradients and logs are means over micro-batches; states are passed from each micro-batch to the next.
        """
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
        """Applies one phase's gradients and new states, or nothing if the phase waits or an update is skipped."""
        if not self.guarded and waited is None:
            for variable, new in states:
                variable.assign(new)
            optimizer.apply(gradients, variables)
            return {}
        context = tf.distribute.get_replica_context()
        finite = all_finite([*gradients, *(new for _, new in states)]) if self.guarded else tf.constant(True)
        if self.guarded and context.num_replicas_in_sync > 1:  # an overflow in one replica is an overflow in all
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
            """Evaluates a condition around collectives, which must be outside the replicas."""
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
        """Returns array batches or a dataset of complete batches for `fit`, divided among the replicas."""
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

        def shared(*batch):  # unequal parts would get unequal weights in the mean over replicas
            rows = tf.shape(tf.nest.flatten(batch)[0])[0]
            whole = rows - rows % replicas
            batch = tf.nest.map_structure(lambda part: None if part is None else part[:whole], batch)
            return batch if len(batch) > 1 else batch[0]

        return data.map(shared).filter(lambda *batch: tf.shape(tf.nest.flatten(batch)[0])[0] > 0)

    def make_train_function(self, force=False):
        """Creates a function of an iterator that runs one or several steps, as planned on the host."""
        if self.train_function is None or force:
            self._step_functions = {}
            self.train_function = self._run
        return self.train_function

    def _run(self, iterator):
        if self._steps_to_skip > 0:
            return self._skip(iterator)
        moment = self._read_moment() if self._moment is None else self._moment
        self._moment = None  # must be read again if the data end within the call
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
        """Returns the data of a step after `see_batch` has processed the local part of each replica."""
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
        """Returns the number of samples of a batch, over all replicas."""
        strategy = self.distribute_strategy
        part = strategy.experimental_local_results(tf.nest.flatten(data)[0])[0]
        return part.shape[0] * strategy.num_replicas_in_sync

    def _skip(self, iterator):
        """Skips the batches that an earlier process has trained on and restores the epoch's logs."""
        for _ in range(self.steps_per_execution):
            next(iterator)
        self._steps_to_skip -= self.steps_per_execution
        for tracker, values in zip(self.trackers.values(), self.take_up_logs(), strict=True):
            for variable, value in zip(tracker.variables, values, strict=True):
                variable.assign(value)
        return self._results()

    def _step_function(self, pattern):
        """Returns compiled steps with the given plans: of one batch, or of an iterator for several plans."""
        if pattern not in self._step_functions:
            several = len(pattern) > 1
            self._step_functions[pattern] = self._several_steps(pattern) if several else self._one_step(pattern[0])
        return self._step_functions[pattern]

    def _compile(self, fn, **options):
        return fn if self.run_eagerly else tf.function(fn, reduce_retracing=True, **options)

    def _one_step(self, plan):
        """Returns a function of a batch, over all replicas."""

        def play(data):
            strategy = self.distribute_strategy
            # If the data end within a call, operations that need no data, such as counters, must not count a step.
            with tf.control_dependencies([d for d in tf.nest.flatten(data, expand_composites=True) if d is not None]):
                logs = strategy.run(self.train_step, args=(data, plan))
            for name, value in logs.items():
                self.track(name, strategy.reduce("MEAN", value, axis=None))
            return self._results()

        return self._compile(play, jit_compile=self.jit_compile, autograph=False)

    def _several_steps(self, pattern):
        """Returns a function of an iterator: a graph loop over the shortest period of the pattern."""
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
        """Only checks the data, as the model is already built. Keras calls it with the first batch before training."""
        if data_batch is None:
            data_batch = first_batch(iterator)
        local = self.distribute_strategy.experimental_local_results

        def of_first_replica(value):
            mine = local(value)[0]
            return mine.numpy() if hasattr(mine, "numpy") else mine  # train_on_batch takes arrays

        batch = self.as_batch(tf.nest.map_structure(of_first_replica, data_batch))
        if not self._data_checked:
            check_first_batch(self, batch)
