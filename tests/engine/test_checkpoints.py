"""GradualPruning among callbacks that save and restore: in any order every file, and the end, is sparse."""

import keras
import numpy as np
import pytest

from course_lib.pruning import GradualPruning, constant, held_masks, one_shot, polynomial, sparsity

callbacks = keras.callbacks
ORDERS = [1, -1]


def pruning(every=5):
    return GradualPruning(polynomial(0.75, begin=2, end=32), every=every)


def fit(model, data, *in_order, epochs=3, **fit_args):
    """12 steps an epoch."""
    model.fit(*data, epochs=epochs, batch_size=8, verbose=0, callbacks=list(in_order), **fit_args)
    return model


class Saving(callbacks.ModelCheckpoint):
    """The real thing; it also writes down which masks held at the moment of each file."""

    def _save_model(self, epoch, batch, logs):
        self.held = {**getattr(self, "held", {}), self._get_file_path(epoch, batch, logs): self._masks()}
        super()._save_model(epoch, batch, logs)

    def _masks(self):
        return int(self.model.optimizer.iterations), held_masks(self.model)


SAVES = [
    ("{epoch}.keras", {}),
    ("{epoch}.weights.h5", {"save_weights_only": True}),
    ("{epoch}-{batch}.keras", {"save_freq": 5}),
    ("{epoch}-{batch}.weights.h5", {"save_freq": 4, "save_weights_only": True}),
    ("best.keras", {"save_best_only": True, "monitor": "loss", "mode": "max"}),
]
FEW = [(*SAVES[0], 1), (*SAVES[4], -1)]  # they have the same occasions as the second


@pytest.mark.parametrize("name, options, order", [(*save, i) for save in SAVES[1:4] for i in ORDERS] + FEW)
def test_every_file_has_the_zeros_of_the_masks_at_that_moment(net, data, tmp_path, name, options, order):
    ours, save = pruning(), Saving(str(tmp_path / name), **options)
    fit(net(), data, *[ours, save][::order], validation_data=data)
    files = sorted(tmp_path.iterdir())
    assert files
    levels = dict(ours.log)
    for file in files:
        step, masks = save.held[str(file)]
        model = net() if file.suffix == ".h5" else keras.models.load_model(file)
        if file.suffix == ".h5":
            model.optimizer.build(model.trainable_variables)
            model.load_weights(file)
        if "best" not in name:  # its place in the dict is overwritten at every try
            zeros = {path: np.asarray(v) != 0 for path, v in masks.variables(model).items()}
            assert all(np.array_equal(zeros[path], masks[path]) for path in masks)
        # Also one saved at an update's own step, by a callback listed before.
        past = [at for at in levels if at <= step]
        assert sparsity(model) in ({levels[max(past)]} if "best" not in name else levels.values())


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_early_stopping_may_restore_before_or_after(net, data, tmp_path, order):
    """Weights of the first, dense epoch come back: the final masks hold none the less."""
    ours = GradualPruning(one_shot(0.75, at=20))
    stop = callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    save = callbacks.ModelCheckpoint(str(tmp_path / "best.keras"), monitor="loss", save_best_only=True)
    everyone = [ours, stop, save]
    model = fit(net(keras.optimizers.SGD(0.5)), data, *(everyone[i] for i in order), epochs=9)
    assert stop.best_epoch == 0 and stop.stopped_epoch >= 1, "it did restore"
    assert all(w.all() for w in stop.best_weights[::2]), "what it restores is dense"
    assert sparsity(model) == 0.75
    zeros = {path: np.asarray(v) != 0 for path, v in ours.masks.variables(model).items()}
    assert all(np.array_equal(zeros[path], ours.masks[path]) for path in ours.masks)
    kept = np.asarray(model.get_layer("first").kernel)[ours.masks["first/kernel"]]
    assert np.array_equal(kept, stop.best_weights[0][ours.masks["first/kernel"]]), "the rest as it was"


def test_the_history_of_a_fit_is_left_as_it_was(net, data):
    model = net()
    history = model.fit(
        *data, verbose=0, callbacks=[GradualPruning(constant(0.5)), GradualPruning(constant(0.5))]
    )
    assert "on_train_end" not in vars(history)
    assert list(history.history) == ["loss"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("swap", [True, False])
def test_averages_swapped_in_and_out(net, data, tmp_path, order, swap):
    if swap:  # Keras asks for the list of callbacks in this order
        others = [
            callbacks.SwapEMAWeights(swap_on_epoch=True),
            callbacks.ModelCheckpoint(f"{tmp_path}/a.keras"),
        ]
    else:
        others = [callbacks.SwapEMAWeights()]
    ours = pruning()
    model = net(keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))
    fit(model, data, *([ours, *others] if order == 1 else [*others, ours]))
    assert sparsity(model) == ours.masks.sparsity == 0.75
    if swap:
        assert sparsity(keras.models.load_model(tmp_path / "a.keras")) == 0.75


def test_two_callbacks_prune_layers_of_their_own_side_by_side(net, data, tmp_path):
    first = GradualPruning(polynomial(0.75, end=30), every=4, within="first")
    last = GradualPruning(one_shot(0.5, at=7), within="last")
    model = fit(net(), data, first, last)
    assert {path: m.shape for path, m in held_masks(model).items()} == {
        "first/kernel": (8, 16),
        "last/kernel": (16, 3),
    }
    assert first.masks.sparsity == 0.75 and list(first.masks) == ["first/kernel"]
    assert last.masks.sparsity == 0.5 and list(last.masks) == ["last/kernel"]
    assert sparsity(model) == pytest.approx((0.75 * 128 + 0.5 * 48) / 176)
