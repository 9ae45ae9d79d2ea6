"""Evolution, the bandit and Gumbel-softmax: feasible, repeatable, never worse than where they began."""

from functools import partial

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    Block,
    Channel,
    Masks,
    Space,
    accuracy_on,
    evolve,
    gumbel_search,
    ucb_search,
    uses,
)

SEARCHES = [partial(evolve, evaluations=40, population=8), partial(ucb_search, evaluations=40)]
RNG = np.random.default_rng(1)
X = RNG.normal(size=(200, 8)).astype("float32")


@pytest.fixture(scope="module")
def trained():
    """A perceptron of 8-16-3 that has learned something."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "relu", name="first")])
    model.add(keras.layers.Dense(3, "softmax", name="last"))
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(X, classes(X), epochs=10, verbose=0)
    return model


def classes(x):
    return np.argmax([x[:, 0] + x[:, 1], x[:, 2] * x[:, 3], x[:, 4]], axis=0)


def fidelity(model):
    """− the mean squared change of the outputs: smooth, and its optimum nearly unique."""
    whole = np.asarray(model(X))
    return lambda m: -float(np.mean((np.asarray(m(X)) - whole) ** 2))


def weights_of(model):
    return [np.array(v) for v in model.weights]


def same(model, before):
    return all(np.asarray(v).tobytes() == b.tobytes() for v, b in zip(model.weights, before, strict=True))


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(
    "arguments",
    [
        dict(sparsity=0.8),
        dict(sparsity=0.7, cost={"first/kernel": 3, "last/kernel": 7}),
        dict(sparsity=0.5, granularity=Channel()),
        dict(budget=60, granularity=Block(2, 2)),
    ],
)
def test_every_candidate_that_was_evaluated_is_feasible_and_the_model_is_restored(trained, search, arguments):
    before, seen, inner = weights_of(trained), [], fidelity(trained)
    space = Space(trained, **arguments)

    def evaluate(model):
        seen.append({p: np.count_nonzero(m) for p, m in Masks.from_zeros(model).items()})
        return inner(model)

    found = search(space, evaluate)
    assert len(seen) == len(found.trials) <= 40 and len({t.counts for t in found.trials}) == len(seen)
    for trial, kept in zip(found.trials, seen, strict=True):
        cost = space.cost(trial.counts)
        more = np.asarray(trial.counts) < space.sizes
        assert cost <= space.budget and not (more & (cost + space.costs <= space.budget)).any()
        assert list(kept.values()) == [np.count_nonzero(m) for m in space.masks(trial.counts).values()]
    assert found.score == max(t.score for t in found.trials)
    assert found.score >= max(t.score for t in found.trials[: len(space.known())])
    assert same(trained, before)


@pytest.mark.parametrize("search", SEARCHES)
def test_the_best_of_all_allocations_is_found_or_nearly(trained, search):
    space, evaluate = Space(trained, 0.75), fidelity(trained)
    scores, copy = [], keras.models.clone_model(trained)
    for last in range(1, 44):
        copy.set_weights(trained.get_weights())
        space.masks((44 - last, last)).apply(copy)
        scores.append(evaluate(copy))
    found = search(space, evaluate)
    assert found.score >= sorted(scores)[-3], "among the best 3 of 43"


@pytest.mark.parametrize("search", SEARCHES)
def test_the_same_seed_gives_the_same_trials_and_no_global_seed_is_touched(trained, search):
    space, evaluate = Space(trained, 0.8), fidelity(trained)
    np.random.seed(5)
    first = search(space, evaluate, seed=4)
    drawn = np.random.random()
    np.random.seed(5)
    assert drawn == np.random.random()
    assert search(space, evaluate, seed=4).trials == first.trials
    assert search(space, evaluate, seed=5).trials != first.trials


@pytest.mark.parametrize("search", SEARCHES)
def test_more_evaluations_never_make_it_worse_and_extend_the_same_trials(trained, search):
    space, evaluate = Space(trained, 0.85), fidelity(trained)
    results = [search(space, evaluate, evaluations=n) for n in (1, 5, 20, 40)]
    assert [len(r.trials) for r in results] == sorted(len(r.trials) for r in results)
    for short, long in zip(results, results[1:], strict=False):
        assert long.score >= short.score and long.trials[: len(short.trials)] == short.trials


@pytest.mark.parametrize("search", [evolve, ucb_search])
def test_a_space_that_is_explored_ends_the_search(search):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(2)])
    found = search(Space(model, budget=4), lambda m: float(np.asarray(m.weights[0]).sum()), evaluations=1000)
    assert len(found.trials) <= 3


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_errors_and_interrupts_leave_the_model_as_it_was(trained, search, error):
    before, calls = weights_of(trained), []

    def failing(model):
        calls.append(1)
        if len(calls) == 7:
            raise error("stop")
        return 0.5

    with pytest.raises(error):
        search(Space(trained, 0.8), failing)
    assert same(trained, before)


@pytest.mark.parametrize("search", [evolve, ucb_search])
def test_scores_that_cannot_be_ranked_are_refused(trained, search):
    before = weights_of(trained)
    for value, kind, words in [
        (np.nan, ValueError, "NaN"),
        (None, TypeError, "None"),
        ("a", TypeError, "'a'"),
    ]:
        with pytest.raises(kind, match=words):
            search(Space(trained, 0.8), lambda m, value=value: value)
    with pytest.raises(ValueError, match="at least 1. Received: 0"):
        search(Space(trained, 0.8), lambda m: 1.0, evaluations=0)
    assert same(trained, before)


def test_a_population_needs_members(trained):
    with pytest.raises(ValueError, match="population must be at least 1"):
        evolve(Space(trained, 0.8), lambda m: 1.0, population=0)


def test_an_evaluation_may_train_each_candidate_from_the_same_start(trained):
    before, starts = weights_of(trained), []

    def tuned(model):
        starts.append(np.array(model.weights[1]))  # a bias, which no mask touches
        model.fit(X, classes(X), epochs=1, verbose=0)
        return accuracy_on(X, classes(X))(model)

    ucb_search(Space(trained, 0.8), tuned, evaluations=4)
    assert all((start == before[1]).all() for start in starts) and same(trained, before)


def test_gumbel_is_feasible_repeatable_and_leaves_model_and_seeds_alone(trained):
    before, evaluate = weights_of(trained), fidelity(trained)
    space = Space(trained, 0.8, cost={"first/kernel": 3, "last/kernel": 7})
    steps = int(trained.optimizer.iterations)
    search = partial(gumbel_search, space, evaluate, X, classes(X), candidates=(0, 0.5, 0.9), epochs=2)
    keras.utils.set_random_seed(3)
    found = search(seed=1)
    drawn = np.random.random(), float(keras.random.uniform(()))
    keras.utils.set_random_seed(3)
    assert drawn == (np.random.random(), float(keras.random.uniform(())))
    assert search(seed=1).trials == found.trials and 1 <= len(found.trials) <= 2
    for trial in found.trials:
        cost, more = space.cost(trial.counts), np.asarray(trial.counts) < space.sizes
        assert cost <= space.budget and not (more & (cost + space.costs <= space.budget)).any()
    assert same(trained, before) and int(trained.optimizer.iterations) == steps
    assert all(v.trainable for v in trained.weights)


def test_gumbel_finds_the_layer_that_can_be_spared():
    """Two layers of one size; the inputs that the first one reads are copies, the last one's are not."""
    keras.utils.set_random_seed(0)
    x = np.repeat(RNG.normal(size=(256, 1)), 16, axis=1).astype("float32")
    parts = [keras.Input((16,)), keras.Input((16,))]
    dull, sharp = keras.layers.Dense(4, name="dull")(parts[0]), keras.layers.Dense(4, name="sharp")(parts[1])
    model = keras.Model(parts, keras.layers.Softmax()(sharp + 0.0 * dull))
    model.compile("adam", "sparse_categorical_crossentropy")
    data = [x, RNG.normal(size=(256, 16)).astype("float32")]
    y = np.asarray(model(data)).argmax(axis=1)
    found = gumbel_search(
        Space(model, 0.5), accuracy_on(data, y), data, y, candidates=(0, 0.25, 0.5, 0.75, 0.95), batch_size=8
    )
    assert found.table["sharp/kernel"] < 0.2 < 0.8 < found.table["dull/kernel"]
    assert found.score > accuracy_of_uniform(model, data, y)


def accuracy_of_uniform(model, data, y):
    return evolve(Space(model, 0.5), accuracy_on(data, y), evaluations=1).score


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(candidates=[0.5]), "2 to 255"),
        (dict(candidates=[0.5, 50]), "Did you mean 0.5"),
        (dict(epochs=0), "epochs must be at least 1"),
        (dict(temperature=0), "temperature positive"),
    ],
)
def test_gumbel_says_what_is_wrong(trained, options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        gumbel_search(Space(trained, 0.8), fidelity(trained), X, classes(X), **options)


class Subclassed(keras.Model):
    """Neither inputs nor outputs to look at."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = keras.layers.Dense(6), keras.layers.BatchNormalization()
        self.last = keras.layers.Dense(3, "softmax")

    def call(self, x, training=False):
        return self.last(self.norm(self.first(x), training=training))


def test_gumbel_takes_subclassed_models():
    model = Subclassed()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, classes(X), verbose=0)
    before = weights_of(model)
    space = Space(model, 0.5, cost=uses(model))
    gumbel_search(space, accuracy_on(X, classes(X)), X, classes(X), epochs=1)
    assert same(model, before)


def test_gumbel_needs_a_loss(trained):
    model = keras.Model(trained.inputs[0], trained.outputs[0])
    with pytest.raises(ValueError, match="not compiled with one loss"):
        gumbel_search(Space(model, 0.8), fidelity(model), X, classes(X))


def test_macs_are_a_budget_like_any_other(trained):
    found = evolve(Space(trained, 0.7, cost=uses(trained)), fidelity(trained), evaluations=10)
    assert sum(m.sum() for m in found.masks.values()) == round(176 * 0.3)
