"""The report card, before and after surgery, and the roofline: numbers agree with what counts them alone."""

import sys

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import data, models
from course_lib.pruning import (
    Channels,
    Machine,
    ceiling,
    compare_structure,
    drop_layers,
    energy,
    gzip_bytes,
    layer_costs,
    machine_limits,
    macs,
    magnitude,
    make_masks,
    parameters,
    planned_memory,
    raw_bytes,
    report_card,
    roofline,
    shrink,
    sparsity,
    storage,
)

layers = keras.layers


@pytest.fixture(autouse=True)
def no_window():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    yield
    sys.modules["matplotlib.pyplot"].close("all") if "matplotlib.pyplot" in sys.modules else None


@pytest.fixture(scope="module")
def digits():
    return data.digits(flat=True)[2:]


@pytest.fixture(scope="module")
def pair():
    model = models.trained("D")
    pruned = models.copy(model)
    make_masks(pruned, 0.9).apply(pruned)
    return {"dense": model, "90 %": pruned}


class TestCard:
    def test_every_line_is_what_its_own_function_says(self, pair, digits):
        x, y = digits
        card = report_card(pair, x, y, sizes=(1, 4), rounds=2)
        for name, model in pair.items():
            value = {key: line.values[name] for key, line in card.items()}
            assert value["sparsity"] == pytest.approx(sparsity(model))
            assert (value["parameters"], value["parameters, not zero"]) == parameters(model)
            assert value["MACs"] == macs(model).total
            assert value["MACs without zeros"] == np.count_nonzero(model.get_layer("hidden_1").kernel) + (
                np.count_nonzero(model.get_layer("hidden_2").kernel)
                + np.count_nonzero(model.get_layer("digits").kernel)
            )
            assert (value["bytes, raw"], value["bytes, gzip"]) == (raw_bytes(model), gzip_bytes(model))
            assert value["bytes, sparse"] == min(storage(model).all[3:])
            assert value["peak of activations, bytes"] == planned_memory(model).peak
            assert value["µJ, zeros computed"] == pytest.approx(energy(model).total / 1e6)
            assert value["µJ, zeros skipped"] == pytest.approx(energy(model, skip_zeros=True).total / 1e6)
            assert value["accuracy"] == pytest.approx(models.accuracy(model, x, y))
            assert value["ms, batch 4"] == pytest.approx(1e3 * card.latency[4].median(name))
        assert {line.how for line in card.values()} == {"counted", "measured", "model"}

    def test_shares_are_of_the_first_model_and_times_show_their_spread(self, pair, digits):
        card = report_card(pair, *digits, sizes=(1,), rounds=3)
        line = card["parameters, not zero"]
        assert line.shares["90 %"] == pytest.approx(line.values["90 %"] / line.values["dense"])
        assert "(0.11×)" in line.texts["90 %"] and "×" not in line.texts["dense"]
        low, high = card["ms, batch 1"].ranges["90 %"]
        assert low <= card["ms, batch 1"].shares["90 %"] <= high
        assert f"({low:.2f} to {high:.2f}×)" in card["ms, batch 1"].texts["90 %"]
        rows = repr(card).splitlines()
        assert (
            len(rows) == len(card) + 1 == card._repr_html_().count("<tr>") and len(set(map(len, rows))) == 1
        )

    def test_without_labels_there_is_no_accuracy(self, pair, digits):
        card = report_card(pair["dense"], digits[0], rounds=1)
        assert "accuracy" not in card and card.models == ["D"]
        assert set(card.plot()) == {"costs", "times"}

    def test_layers_without_a_rule_are_owned_up_to(self):
        class Own(layers.Layer):
            def build(self, shape):
                self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

            def call(self, x):
                return x @ self.kernel

        card = report_card(keras.Sequential([keras.Input((4,)), Own()], name="m"), np.ones((2, 4)), rounds=1)
        assert card["MACs"].texts["m"].startswith("≥")

    def test_bad_labels_are_refused_before_anything_is_timed(self, pair, digits):
        with pytest.raises(ValueError, match="labels must be whole numbers"):
            report_card(pair, digits[0], digits[1][:5])

    def test_the_figure_shows_every_model_in_shape_as_well_as_colour(self, pair, digits):
        panels = report_card(pair, *digits, rounds=2).plot()
        assert set(panels) == {"costs", "times", "accuracy"}
        (legend,) = panels["times"].figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["dense", "90 %"]
        marks = {
            tuple(map(tuple, c.get_paths()[0].vertices))
            for c in panels["times"].collections
            if c.get_label() in pair
        }
        assert len(marks) == 2
        names = [text.get_text() for text in panels["costs"].get_yticklabels()]
        assert "MACs" in names and "ms, batch 1 (measured)" in names and "µJ, zeros skipped (model)" in names
        assert [text.get_text() for text in panels["accuracy"].get_yticklabels()] == ["dense", "90 %"]


@pytest.fixture(scope="module")
def surgery():
    model = models.residual_digits()
    channels = Channels(model)
    return model, channels, shrink(model, make_masks(model, 0.5, magnitude(2), channels))


class TestStructure:
    def test_rows_and_their_sum_agree_with_the_models(self, surgery):
        before, _, after = surgery
        found = compare_structure(before, after, sizes=())
        old, new = ({row.path: row for row in layer_costs(m)} for m in (before, after))
        row = next(row for row in found if row.name == "block_3_a_conv")
        assert row.channels == (32, after.get_layer("block_3_a_conv").filters)
        assert row.macs == (old[row.name].macs, new[row.name].macs)
        assert found.all.parameters == (parameters(before).total, parameters(after).total)
        assert found.all.macs == (macs(before).total, macs(after).total)
        assert found.all.bytes == (raw_bytes(before), raw_bytes(after))
        for what in ("parameters", "macs", "bytes", "activations"):
            sums = tuple(sum(getattr(row, what)[i] for row in found) for i in (0, 1))
            assert sums == getattr(found.all, what)
        assert found.memory[1] == planned_memory(after) and found.latency is None

    def test_by_group_the_sums_stay_and_channels_are_those_of_the_group(self, surgery):
        before, channels, after = surgery
        found = compare_structure(before, after, groups=channels, sizes=(1,), rounds=1)
        assert found.all[2:] == compare_structure(before, after, sizes=()).all[2:]
        groups = {group.name: group for group in channels.groups.values()}
        smaller = {group.name: group for group in Channels(after).groups.values()}
        rows = {row.name: row for row in found}
        for name, group in groups.items():
            assert rows[name].channels == (len(group.units), len(smaller[name].units))
        assert "digits" in rows and "no weights" in rows and "other layers" not in rows
        assert list(found.latency[1]) == ["before", "after"]
        assert "before" in repr(found).splitlines()[-2] and found._repr_html_().count("<table>") == 2

    def test_dropped_layers_go_to_nothing(self):
        before = models.residual_digits()
        after = drop_layers(before, ["block_3_add"])
        rows = {row.name: row for row in compare_structure(before, after, sizes=())}
        assert rows["block_3_a_conv"].channels == (32, 0) and rows["block_3_a_conv"].parameters == (9216, 0)
        assert rows["block_2_a_conv"].parameters[0] == rows["block_2_a_conv"].parameters[1]

    def test_models_with_nothing_in_common_are_refused(self, surgery):
        stranger = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="else")], name="stranger")
        with pytest.raises(ValueError, match="No layer of 'stranger'"):
            compare_structure(surgery[0], stranger)


class TestRoofline:
    @given(st.floats(0.01, 1e4), st.floats(1e6, 1e13), st.floats(1e6, 1e13))
    def test_the_ceiling_is_the_lower_of_two_and_meets_at_the_ridge(self, intensity, peak, bandwidth):
        roof, ridge = ceiling(intensity, peak, bandwidth), Machine(peak, bandwidth).ridge
        assert roof == (peak if intensity >= ridge else pytest.approx(bandwidth * intensity))
        assert ceiling(ridge, peak, bandwidth) == pytest.approx(peak)

    def test_a_layer_by_hand(self):
        """64 to 300 for 8 examples: 2 · 8 · 19,200 FLOP; weights, biases, inputs and outputs in bytes."""
        found = roofline(models.dense_digits(), np.ones((1, 64)), 8, Machine(1e9, 1e9), rounds=2)
        first, *_, whole = found
        assert (first.layer, first.flop, first.bytes) == (
            "hidden_1",
            2 * 8 * 64 * 300,
            4 * (64 * 300 + 300 + 8 * (64 + 300)),
        )
        assert first.intensity == first.flop / first.bytes and first.reached is None
        assert whole.flop == 16 * macs(models.dense_digits()).total and whole.reached > 0
        assert [line.split()[2] for line in repr(found).splitlines()[1:3]] == ["arithmetic"] * 2

    def test_a_larger_batch_uses_weights_more_often(self):
        machine, x = Machine(1e9, 1e9), np.ones((1, 64))
        one, many = (roofline(models.dense_digits(), x, batch, machine, 1)[0] for batch in (1, 64))
        assert one.intensity < 0.51 < many.intensity

    def test_this_machine_has_limits(self):
        found = machine_limits(size=256, megabytes=8, rounds=2)
        assert found.peak > 0 and found.bandwidth > 0 and found.ridge == found.peak / found.bandwidth

    def test_it_draws_roof_layers_and_models(self):
        found = roofline({"D": models.dense_digits()}, np.ones((1, 64)), 4, Machine(1e10, 1e9), 1)
        ax = found.plot()
        roof = ax.lines[0].get_xydata()
        assert roof[:, 1].max() == pytest.approx(10) and (np.diff(roof[:, 1]) >= 0).all()
        assert "of the roof" in ax.get_legend().get_texts()[0].get_text()
        assert len(ax.collections[0].get_offsets()) == 3
