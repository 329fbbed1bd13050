"""The JAX engine: losses as pure functions of the state, with a compiled step for each set of due phases."""

import contextlib
import functools

import jax
import jax.extend
import jax.numpy as jnp
import keras
import numpy as np
from keras import ops
from keras.src.backend.common.stateless_scope import get_stateless_scope

from kerasgan.data.pipeline import ArrayBatches
from kerasgan.distribute import check_batch_size
from kerasgan.game.averages import update_averages
from kerasgan.game.batches import check_first_batch, first_batch
from kerasgan.game.optimizers import all_finite, update_loss_scale
from kerasgan.game.phase import ForwardPass, Moment, micro_batch, tensors_of, with_tensors
from kerasgan.game.randomness import SeededNoise, noise_states, seeded_noise
from kerasgan.game.signals import PREFIX, WITH_SAMPLES, Probe, probing, update_signals


def input_gradient(fn, x):
    """Differentiable gradient of `sum(fn(x))` with respect to `x`, for penalties."""
    return gradients(lambda tensors: jnp.sum(fn(tensors[0])), [x])[0]


def gradients(fn, tensors):
    """Differentiable gradients of the scalar `fn(tensors)` with respect to each tensor in a list."""
    scope = get_stateless_scope()
    if scope is None:
        return jax.grad(fn)(tensors)

    def value_and_changes(tensors):  # assignments of `fn`, such as batch statistics, are returned
        before = dict(scope.state_mapping)
        value = fn(tensors)
        after, scope.state_mapping = scope.state_mapping, before
        return value, {i: new for i, new in after.items() if new is not before.get(i)}

    slopes, changes = jax.grad(value_and_changes, has_aux=True)(tensors)
    scope.state_mapping.update(changes)
    return slopes


def have_gradient(fn, values):
    """Returns whether the gradient of the scalar `fn(values)` with respect to each tensor can be non-zero.

    The gradients are traced but not computed: JAX represents a gradient that is zero by construction symbolically.
    """
    graph = jax.make_jaxpr(jax.grad(fn))(values).jaxpr
    known = {*graph.invars, *graph.constvars}
    for equation in graph.eqns:
        if not known.isdisjoint(v for v in equation.invars if not isinstance(v, jax.extend.core.Literal)):
            known.update(equation.outvars)
    return [not isinstance(v, jax.extend.core.Literal) and v in known for v in graph.outvars]


def row_values(fn, *tensors):
    """Applies a NumPy function to the rows of tensors, without a gradient.

    Args:
        fn: Function of arrays of shape (batch, ...) that returns an array of shape (batch,). It runs on the host.
        *tensors: Tensors of shape (batch, ...).

    Returns:
        A float32 tensor of shape (batch,).
    """

    def on_host(*arrays):
        return np.asarray(fn(*map(np.asarray, arrays)), "float32")

    return jax.pure_callback(on_host, jax.ShapeDtypeStruct(tensors[0].shape[:1], "float32"), *tensors)


def scan(fn, carry, xs):
    """Applies a function along a sequence, differentiably.

    Args:
        fn: Function of (carry, x) that returns (carry, y), each a tensor or a nest of tensors.
        carry: Initial carry. Its shapes and dtypes must not change.
        xs: Nest of tensors of shape (steps, ...), passed to `fn` one step at a time.

    Returns:
        The last carry, and all y, of shape (steps, ...).
    """
    return jax.lax.scan(fn, carry, xs)


def compiled_call(network):
    """Returns the network's inference as a compiled function of its inputs (a tensor or a list of tensors)."""

    @jax.jit
    def call(trainable, non_trainable, inputs):
        return network.stateless_call(trainable, non_trainable, inputs, training=False)[0]

    return lambda inputs: call(
        [v.value for v in network.trainable_variables], [v.value for v in network.non_trainable_variables], inputs
    )


def compiled_inference(network, finish):
    """Returns the network's inference with seeded noise, as a compiled function.

    Args:
        network: A built Keras model.
        finish: Function to apply to the outputs of the network.

    Returns:
        A function of (inputs, seed, first, strength, fixed), where `fixed` is a Python bool; see
        `kerasgan.game.randomness.SeededNoise`.
    """

    @functools.partial(jax.jit, static_argnums=6)
    def call(trainable, non_trainable, inputs, seed, first, strength, fixed):
        states = {id(v): state for v, state in noise_states(network, seed, first)}
        variables = network.non_trainable_variables
        values = [states.get(id(v), value) for v, value in zip(variables, non_trainable, strict=True)]
        with seeded_noise(SeededNoise(seed, first, strength, fixed)):
            return finish(network.stateless_call(trainable, values, inputs, training=False)[0])

    def run(inputs, *numbers):
        trainable, rest = network.trainable_variables, network.non_trainable_variables
        return call([v.value for v in trainable], [v.value for v in rest], inputs, *numbers)

    return run


def known_value(variable):
    """A variable's current value as a NumPy array; `None` while Keras holds it, as in a compiled `predict`."""
    value = None if get_stateless_scope() is not None else variable.value
    return None if value is None or isinstance(value, jax.core.Tracer) else np.asarray(value)


def replica():
    """Returns (index of this replica, number of replicas): on JAX the batch is one array, even on several devices."""
    return 0, 1


def fused_normalization(x, scale, offset, epsilon):
    """Returns None: XLA fuses the standard formula."""
    return None


def leaky_relu(x, slope):
    """Leaky ReLU; JAX already treats its gradient as constant."""
    return ops.leaky_relu(x, slope)


def grouped_convolution(x, kernel, strides, padding, dilation):
    """None: XLA has no fast kernel for convolutions in groups on a CPU."""
    return None


def convolution(x, kernel, strides, padding):
    """Convolution on a CPU whose gradients avoid the cases in which XLA is slow; see `_has_phases`, `_has_products`.

    Args:
        x: Tensor of shape (batch, *size, channels).
        kernel: Tensor of shape (*kernel size, channels, filters).
        strides: Integers, one for each dimension of the size.
        padding: "same" or "valid".

    Returns:
        Tensor of shape (batch, *new size, filters); None on other devices, and where XLA is fast.
    """
    strides, size, taps = tuple(strides), x.shape[1:-1], kernel.shape[:-2]
    slow = _has_products(taps, strides) or _has_phases(size, taps, strides, padding)
    return _convolved(x, kernel, strides, padding) if slow and jax.default_backend() == "cpu" else None


def transposed_convolution(x, kernel, strides, padding):
    """Transposed convolution on a CPU that avoids the cases in which XLA is slow.

    These are those of `convolution`, and the gradient with respect to the kernel, which takes thirty to a hundred times
    as long as that of the adjoint convolution. It has the same value.

    Args:
        x: Tensor of shape (batch, *size, channels).
        kernel: Tensor of shape (*kernel size, filters, channels).
        strides: Integers, one for each dimension of the size.
        padding: "same" or "valid".

    Returns:
        Tensor of shape (batch, *larger size, filters); None on other devices.
    """
    if jax.default_backend() != "cpu":
        return None
    size = [length * stride for length, stride in zip(x.shape[1:-1], strides, strict=True)]
    if padding == "valid":
        size = [n + max(taps - stride, 0) for n, taps, stride in zip(size, kernel.shape[:-2], strides, strict=True)]
    return _spread(x, kernel, tuple(size), tuple(strides), padding)


# A convolution C(x, k), its transpose T(s, k) and the gradient K(x, s) with respect to the kernel are bilinear, and
# <s, C(x, k)> = <T(s, k), x> = <K(x, s), k>: the gradients of each are the two others, to any order.


def _has_products(taps, strides):
    """Whether `_matched` is faster by matrix products: two-dimensional kernels without strides (1.4 to 7 times)."""
    return len(taps) == 2 and (set(strides) == {1} or set(taps) == {1})


def _has_phases(size, taps, strides, padding):
    """Whether `_by_phases` is faster than XLA's transposed convolution to images of a size.

    XLA loops over single numbers where the images to transpose are smaller than the kernel. On sounds, and on images of
    32 pixels or more, `_by_phases` takes 0.13 to 1.1 times as long.
    """
    if padding != "same" or any(length % stride for length, stride in zip(size, strides, strict=True)):
        return False
    smallest = min(length // stride for length, stride in zip(size, strides, strict=True))
    return smallest < max(taps) or (max(strides) > 1 and (len(taps) == 1 or smallest >= 32))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolved(x, kernel, strides, padding):
    """C(x, k)."""
    return ops.conv(x, kernel, list(strides), padding)


def _convolved_backward(strides, padding, kept, slopes):
    x, kernel = kept
    of_x = _spread(slopes, kernel, x.shape[1:-1], strides, padding)
    return of_x, _matched(x, slopes, kernel.shape[:-2], strides, padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _spread(slopes, kernel, size, strides, padding):
    """T(s, k): images of the given size."""
    if _has_phases(size, kernel.shape[:-2], strides, padding):
        return _by_phases(slopes, kernel, strides)
    x = jax.ShapeDtypeStruct((slopes.shape[0], *size, kernel.shape[-2]), slopes.dtype)
    return jax.linear_transpose(lambda x: ops.conv(x, kernel, list(strides), padding), x)(slopes)[0]


def _spread_backward(size, strides, padding, kept, x):
    slopes, kernel = kept
    return _convolved(x, kernel, strides, padding), _matched(x, slopes, kernel.shape[:-2], strides, padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _matched(x, slopes, taps, strides, padding):
    """K(x, s): a kernel of the given size."""
    batch, channels, filters = x.shape[0], x.shape[-1], slopes.shape[-1]
    if not _has_products(taps, strides):
        kernel = jax.ShapeDtypeStruct((*taps, channels, filters), x.dtype)
        return jax.linear_transpose(lambda kernel: ops.conv(x, kernel, list(strides), padding), kernel)(slopes)[0]
    columns = slopes.reshape(-1, filters)
    numbers = (((0,), (0,)), ((), ()))

    def product(part):
        exact = jnp.promote_types(x.dtype, jnp.float32)
        found = jax.lax.dot_general(part.reshape(-1, channels), columns, numbers, preferred_element_type=exact)
        return found.astype(x.dtype)

    if set(taps) == {1}:
        return product(x[:, :: strides[0], :: strides[1]]).reshape(*taps, channels, filters)
    if padding == "same":
        x = jnp.pad(x, ((0, 0), *(((length - 1) // 2, length // 2) for length in taps), (0, 0)))
    made = (batch, *slopes.shape[1:-1], channels)
    # A loop, because XLA would compile each of its steps.
    products = jax.lax.map(
        lambda place: product(jax.lax.dynamic_slice(x, (0, place // taps[1], place % taps[1], 0), made)),
        jnp.arange(taps[0] * taps[1]),
    )
    return products.reshape(*taps, channels, filters)


def _matched_backward(taps, strides, padding, kept, kernel):
    x, slopes = kept
    of_x = _spread(slopes, kernel, x.shape[1:-1], strides, padding)
    return of_x, _convolved(x, kernel, strides, padding)


_convolved.defvjp(lambda x, kernel, *fixed: (_convolved(x, kernel, *fixed), (x, kernel)), _convolved_backward)
_spread.defvjp(lambda slopes, kernel, *fixed: (_spread(slopes, kernel, *fixed), (slopes, kernel)), _spread_backward)
_matched.defvjp(lambda x, slopes, *fixed: (_matched(x, slopes, *fixed), (x, slopes)), _matched_backward)


def _by_phases(x, kernel, strides):
    """The same as one convolution without strides, whose output channels are the positions between those of `x`.

    Position s i + a of the output is the sum over d of x[i - d] kernel[a + p + s d], where p is the padding before.
    """
    rank, (filters, channels) = len(strides), kernel.shape[-2:]
    parts, margins = [], []
    for axis, stride in enumerate(strides):
        taps = kernel.shape[axis]
        before = max(taps - stride, 0) // 2
        first = -((before + stride - 1) // stride)
        last = max((taps - 1 - before) // stride, 0)
        start, count = before + stride * first, last - first + 1
        edges = [(0, 0)] * kernel.ndim
        edges[axis] = (max(-start, 0), max(start + stride * count - taps, 0))
        kernel = jnp.pad(kernel, edges)
        kernel = jax.lax.slice_in_dim(kernel, max(start, 0), max(start, 0) + stride * count, axis=axis)
        parts += [count, stride]
        margins.append((last, -first))
    kernel = kernel.reshape(*parts, filters, channels)
    kernel = jnp.flip(kernel, range(0, 2 * rank, 2))
    order = (*range(0, 2 * rank, 2), 2 * rank + 1, *range(1, 2 * rank, 2), 2 * rank)
    kernel = kernel.transpose(order).reshape(*parts[::2], channels, -1)
    letters = "DHW"[-rank:]
    numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    y = jax.lax.conv_general_dilated(x, kernel, (1,) * rank, margins, dimension_numbers=numbers)
    batch, *size, _ = y.shape
    y = y.reshape(batch, *size, *strides, filters)
    pairs = [place for axis in range(rank) for place in (1 + axis, 1 + rank + axis)]
    larger = [length * stride for length, stride in zip(size, strides, strict=True)]
    return y.transpose(0, *pairs, 1 + 2 * rank).reshape(batch, *larger, filters)


def gather(tensors):
    """Returns the tensors of all replicas, which on JAX are the tensors themselves."""
    return tensors


class Engine:
    """The part of `AdversarialModel` that runs steps on JAX."""

    _moment: Moment | None
    _data_checked: bool
    _steps_to_skip: int

    @property
    def is_chief(self):
        """Whether this process writes the files of the run: the first of several processes does."""
        return jax.process_index() == 0

    @property
    def has_peers(self):
        """Whether other processes train the same model."""
        return jax.process_count() > 1

    def anywhere(self, flag):
        """Returns whether a flag is true in any process of the run. All processes must call it in the same step."""
        if not self.has_peers:
            return flag
        from jax.experimental import multihost_utils

        return bool(np.any(multihost_utils.process_allgather(np.array(flag))))

    def distributed(self, data):
        """Returns array batches or another dataset for `fit`; Keras shards them over the devices."""
        if not isinstance(data, ArrayBatches):
            return data
        distribution = keras.distribution.distribution()
        check_batch_size(data.batch_size, 1 if distribution is None else distribution.device_mesh.devices.size)
        return data.py_dataset()

    def resolve_jit(self, jit_compile):
        """Resolves "auto" to True."""
        return jit_compile is not False

    def scope(self):
        """Scope in which variables of the model are created; no restriction on JAX."""
        return contextlib.nullcontext()

    @staticmethod
    def compiled_function(fn):
        """Compiles a function of tensors for the device."""
        return jax.jit(fn)

    def trace(self, fn, specs):
        """Returns the symbolic result of `fn` for given specs (KerasTensors or None), without any computation."""
        names = []
        with keras.StatelessScope([(v, v.value) for v in self.trainable_variables]):
            jax.eval_shape(
                lambda *inputs: names.append(fn(*inputs)),
                *[jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, s.dtype), spec) for spec in specs],
            )
        return names[0]

    def train_step(self, state, data, plan=None):
        """Computes one step of the game as a pure function: `(logs, state)` from state and batch."""
        lists = self._state_variables()
        values = _Values(zip(_flat(lists), _flat(state), strict=True))
        if plan is None:
            plan = self.plan(Moment(int(values[self.iterations]), int(values[self.images_seen])))
        self.begin_step(plan)
        batch = self.as_batch(jax.tree.map(jnp.asarray, data))
        size = jax.tree.leaves(batch.x)[0].shape[0]
        step, passing = values[self.iterations], self.passing(plan.due)
        common = passing and self._pass_forward(passing, batch, step, values)
        for phases in self.turns(plan.due):
            known = common if common and self.shares_pass(phases, passing) else None
            for name, value in self._play(phases, batch, step, values, known).items():
                values.run(lambda name=name, value=value: self.track(name, value))
            values.run(lambda phases=phases: update_averages(self, phases, size))
        values.run(lambda: self.count_step(size))
        logs = values.run(lambda: {name: tracker.result() for name, tracker in self.trackers.items()})
        return logs, tuple([values[v] for v in variables] for variables in lists)

    def _pass_forward(self, phase, batch, step, values):
        """The `ForwardPass` of a phase."""
        trained, random_states = self.trained_by(phase), self.random_states((phase,), step, 0)
        changing = [*self.owned_by(phase), *(v for v, _ in random_states)]
        found: list[dict] = []

        def run(parameters, zeros, probe=None):
            mapping = values.mapping(zip(trained, parameters, strict=True), random_states)
            with keras.StatelessScope(mapping) as scope, probing(probe or (Probe(*zeros) if zeros else None)):
                results = self.run_forward_pass(batch)
                found[:] = [results]
                states = [scope.get_current_value(v) for v in changing]
            flat = jax.tree.leaves([result for _, result in results.values()])
            return tensors_of(results), (flat, states)

        parameters, zeros = [values[v] for v in trained], []
        if self.signals and phase.name == WITH_SAMPLES:
            probe = Probe()  # as in `_play`
            jax.eval_shape(functools.partial(run, probe=probe), parameters, [])
            zeros = [] if probe.samples is None else [jnp.zeros(probe.samples.shape, probe.samples.dtype)]
        tensors, pull_back, (flat, states) = jax.vjp(run, parameters, zeros, has_aux=True)
        structure = jax.tree.structure([result for _, result in found[0].values()])
        known = jax.tree.unflatten(structure, flat)  # copies, separate from the tensors to differentiate
        results = {key: (of, new) for (key, (of, _)), new in zip(found[0].items(), known, strict=True)}
        states = [(v, new) for v, new in zip(changing, states, strict=True) if new is not None]
        return ForwardPass(phase.name, with_tensors(results, tensors), tensors, pull_back, states)

    def _play(self, phases, batch, step, values, common=None):
        """Differentiates the losses of phases together and updates the variables that they own.

        Args:
            phases: The phases.
            batch: Batch.
            step: Step counter, a tensor.
            values: `_Values` of the variables.
            common: `ForwardPass` that the phases share with others, or `None`.
        """
        optimizers = [self.optimizer[phase.optimizer] for phase in phases]
        trained = [self.trained_by(phase) for phase in phases]
        owned = {id(v): v for v in self._owned_by(phases)}
        everyone = list({id(v): v for variables in trained for v in variables}.values())
        parts = self.micro_batches(batch)
        if parts > 1:
            gradients, states, logs = self._accumulate(phases, optimizers, everyone, owned, batch, parts, step, values)
            for place, (phase, optimizer, variables) in enumerate(zip(phases, optimizers, trained, strict=True)):
                own = {id(v): states[id(v)] for v in self.owned_by(phase)}
                before, mine = [values[v] for v in variables], [gradients[place][id(v)] for v in variables]
                logs.update(self._update(phase, optimizer, mine, variables, own, values, None))
                if self.signals:
                    factor = values.run(lambda o=optimizer: o.scale_loss(jnp.ones(())))
                    logs[PREFIX + phase.name] = update_signals(mine, before, [values[v] for v in variables], factor)
            return logs

        passed = common is not None and common.phase == phases[0].name
        carried = common.states if passed else []

        def objectives(parameters, zeros, through, probe=None):
            drawn = self.random_states(phases, step, 0)
            mapping = values.mapping(zip(everyone, parameters, strict=True), drawn, carried)
            probe = probe or (Probe(*zeros) if zeros else None)
            known = with_tensors(common.results, through) if common else ()
            with keras.StatelessScope(mapping) as scope, probing(probe):
                outcomes = self.evaluate_losses(phases, batch, known)
                scaled = [o.scale_loss(loss) for o, (loss, _) in zip(optimizers, outcomes, strict=True)]
                logs = {
                    name: ops.convert_to_tensor(value, "float32")
                    for _, logs in outcomes
                    for name, value in logs.items()
                }
            return jnp.stack(scaled), (logs, {i: scope.get_current_value(v) for i, v in owned.items()})

        parameters = [values[v] for v in everyone]
        zeros = []
        through = common.tensors if common else []
        if self.signals and not passed and any(phase.name == WITH_SAMPLES for phase in phases):
            probe = Probe()  # traced once, only for the shape of the samples
            jax.eval_shape(functools.partial(objectives, probe=probe), parameters, [], through)
            zeros = [] if probe.samples is None else [jnp.zeros(probe.samples.shape, probe.samples.dtype)]
        losses, pull_back, (logs, states) = jax.vjp(objectives, parameters, zeros, through, has_aux=True)
        pulled = [pull_back(direction) for direction in jnp.eye(len(phases), dtype=losses.dtype)]
        if passed:
            (direct, _, beyond), (behind, of_samples) = pulled[0], common.pull_back(pulled[0][2])
            places, behind = {id(v): i for i, v in enumerate(everyone)}, list(behind)
            for variable, slope in zip(self.trained_by(phases[0]), behind, strict=True):
                direct[places[id(variable)]] += slope
            pulled = [(direct, of_samples, beyond)]
        gradients = [dict(zip(map(id, everyone), gradient, strict=True)) for gradient, *_ in pulled]
        factors = [values.run(lambda o=o: o.scale_loss(jnp.ones(()))) for o in optimizers] if self.signals else []
        for place, (phase, optimizer, variables) in enumerate(zip(phases, optimizers, trained, strict=True)):
            gradient = gradients[place]
            before = [values[v] for v in variables]
            own = {id(v): states[id(v)] for v in self.owned_by(phase) if states[id(v)] is not None}
            mine, waited = [gradient[id(v)] for v in variables], logs.get(f"{phase.name}_waited")
            logs.update(self._update(phase, optimizer, mine, variables, own, values, waited))
            if self.signals:
                seen = pulled[place][1] if phase.name == WITH_SAMPLES else []
                after, gradient = [values[v] for v in variables], [gradient[id(v)] for v in variables]
                logs[PREFIX + phase.name] = update_signals(gradient, before, after, factors[place], *seen)
        return logs

    def _accumulate(self, phases, optimizers, everyone, owned, batch, parts, step, values):
        """Computes gradients, states and logs of a batch from a sequence of micro-batches.

        Gradients and logs are means over micro-batches; states are passed from each micro-batch to the next.
        """
        names = [log for phase in phases for log in self.traces[phase.name].logs]
        parameters = [values[v] for v in everyone]

        def play(part, carry):
            sums, states, totals = carry

            def objectives(parameters):
                carried = [(v, states[place]) for place, v in enumerate(owned.values())]
                drawn = self.random_states(phases, step, 0, part)
                mapping = values.mapping(zip(everyone, parameters, strict=True), drawn, carried)
                with keras.StatelessScope(mapping) as scope, micro_batch(part, parts):
                    outcomes = self.evaluate_losses(phases, self.micro_batch(batch, part, parts))
                    scaled = [o.scale_loss(loss) for o, (loss, _) in zip(optimizers, outcomes, strict=True)]
                    found = {name: value for _, logs in outcomes for name, value in logs.items()}
                    logs = [jnp.asarray(found.get(name, 0.0), "float32") for name in names]
                news = [scope.get_current_value(v) for v in owned.values()]
                return jnp.stack(scaled), (logs, [a if b is None else b for a, b in zip(states, news, strict=True)])

            losses, pull_back, (logs, states) = jax.vjp(objectives, parameters, has_aux=True)
            pulled = [pull_back(direction)[0] for direction in jnp.eye(len(phases), dtype=losses.dtype)]
            sums = [[a + b / parts for a, b in zip(x, y, strict=True)] for x, y in zip(sums, pulled, strict=True)]
            return sums, states, [total + log / parts for total, log in zip(totals, logs, strict=True)]

        zeros = [[jnp.zeros_like(value) for value in parameters] for _ in phases]
        start = (zeros, [jnp.asarray(values[v]) for v in owned.values()], [jnp.zeros((), "float32") for _ in names])
        sums, states, totals = jax.lax.fori_loop(0, parts, play, start)
        gradients = [dict(zip(map(id, everyone), each, strict=True)) for each in sums]
        return gradients, dict(zip(owned, states, strict=True)), dict(zip(names, totals, strict=True))

    def _update(self, phase, optimizer, gradients, variables, states, values, waited):
        """Applies one phase's gradients and new states, or nothing if the phase waits or an update is skipped."""
        if not self.guarded and waited is None:
            values.update(states)
            values.run(lambda: optimizer.apply(gradients, variables))
            return {}
        finite = all_finite([*gradients, *states.values()]) if self.guarded else jnp.asarray(True)
        accepted = finite if waited is None else finite & (waited < 0.5)
        before = dict(values)
        values.update(states)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if scaled:
            gradients = [gradient / values[optimizer.dynamic_scale] for gradient in gradients]
        values.run(lambda: (optimizer.inner_optimizer if scaled else optimizer).apply(gradients, variables))
        for i, old in before.items():
            if values.by_id(i) is not old:
                values.update({i: jnp.where(accepted, values.by_id(i), old)})
        if scaled:
            values.run(lambda: update_loss_scale(optimizer, finite))
        if not self.guarded:
            return {}
        values.run(lambda: self.count_skipped(finite))
        return {f"{phase.name}_skipped": 1.0 - jnp.asarray(finite, "float32")}

    def make_train_function(self, force=False):
        """Creates a function of state and iterator that runs the next steps, as planned on the host."""
        if self.train_function is None or force:
            self._step_functions = {}
            self.train_function = self._run
        return self.train_function

    def _run(self, state, iterator):
        if self._steps_to_skip > 0:
            return self._skip(state, iterator)
        if self._moment is None:
            places = {id(v): i for i, v in enumerate(self.non_trainable_variables)}
            self._moment = Moment(*(int(state[1][places[id(v)]]) for v in (self.iterations, self.images_seen)))
        for i in range(self.steps_per_execution):
            try:
                data = next(iterator)
            except StopIteration:
                if i == 0:
                    raise
                break
            self.see_batch(data)
            plan = self.plan(self._moment)
            if plan not in self._step_functions:
                step = functools.partial(self.train_step, plan=plan)
                self._step_functions[plan] = step if self.run_eagerly else jax.jit(step, donate_argnums=0)
            logs, state = self._step_functions[plan](state, data)
            self.has_run(plan)
            self._moment = Moment(self._moment.step + 1, self._moment.images + len(jax.tree.leaves(data)[0]))
        return logs, state

    def _skip(self, state, iterator):
        """Skips the batches that an earlier process has trained on and restores the epoch's logs."""
        for _ in range(self.steps_per_execution):
            next(iterator)
        self._steps_to_skip -= self.steps_per_execution
        metrics = [jnp.asarray(value) for values in self.take_up_logs() for value in values]
        mapping = zip(self.metrics_variables, metrics, strict=False)  # the signals follow the logs
        with keras.StatelessScope(list(mapping)):
            logs = {name: tracker.result() for name, tracker in self.trackers.items()}
        return logs, (*state[:3], [*metrics, *state[3][len(metrics) :]])

    def _state_variables(self):
        """Returns the variables of the state that Keras' JAX trainer carries, in its order."""
        return (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )

    def _symbolic_build(self, iterator=None, data_batch=None):
        """Only checks the data, as the model is already built. Keras calls it with the first batch before training."""
        if data_batch is None:
            data_batch = first_batch(iterator)
        batch = self.as_batch(jax.tree.map(np.asarray, data_batch))
        if not self._data_checked:
            check_first_batch(self, batch)


class _Values(dict):
    """Current values of variables by identity, with a method that runs stateful code as a pure function of them."""

    def __init__(self, pairs):
        self.variables = {}
        for variable, value in pairs:
            self.variables[id(variable)] = variable
            self[variable] = value

    def __getitem__(self, variable):
        return super().__getitem__(id(variable))

    def by_id(self, i):
        """Returns the current value of the variable with this identity."""
        return super().__getitem__(i)

    def __setitem__(self, variable, value):
        super().__setitem__(id(variable), value)

    def mapping(self, *changes):
        """Returns [(variable, value)] for a StatelessScope, including changes."""
        changed = {id(v): (v, value) for pairs in changes for v, value in pairs}
        return [changed.get(i, (v, self[v])) for i, v in self.variables.items()]

    def run(self, fn):
        """Calls `fn` on the current values and stores all its assignments."""
        with keras.StatelessScope(self.mapping()) as scope:
            result = fn()
        for variable in self.variables.values():
            new = scope.get_current_value(variable)
            if new is not None:
                self[variable] = new
        return result


def _flat(lists):
    return [item for items in lists for item in items]
