"""Which rule belongs to which operation. A rule is a function

    rule(labels, operation, *args, **kwargs) → Tensor, or a list of them

that is called as the operation is, with a `Tensor` in place of every tensor. See `labels.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from keras import layers as kl

from .contractions import additive_attention, attention, dot, einsum, matmul
from .moves import concatenate, padded, reduced, spatial, split, stack
from .norms import batch_norm, fixed, group_norm, layer_norm, per_channel, prelu, rms_norm
from .picks import along, flipped, hidden, sliced, taken
from .pointwise import activation, applied, chosen, divided, joined, passes, scaled, softmax, unit_norm
from .recurrent import bidirectional, conv_lstm, recurrent
from .sequences import grouped_query, multi_head, spectral, time_distributed
from .shapes import expand_dims, repeated, reshape, squeeze, transpose, unknown
from .weights import conv, conv_transpose, dense, depthwise, einsum_dense, embedding, reversible, separable

Rule = Callable[..., Any]

LAYERS: dict[Rule, tuple[type, ...]] = {
    # makes channels
    dense: (kl.Dense,),
    einsum_dense: (kl.EinsumDense,),
    embedding: (kl.Embedding,),
    reversible: (kl.ReversibleEmbedding,),
    conv: (kl.Conv1D, kl.Conv2D, kl.Conv3D),
    conv_transpose: (kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose),
    depthwise: (kl.DepthwiseConv1D, kl.DepthwiseConv2D),
    separable: (kl.SeparableConv1D, kl.SeparableConv2D),
    recurrent: (kl.LSTM, kl.GRU, kl.SimpleRNN, kl.RNN),
    conv_lstm: (kl.ConvLSTM1D, kl.ConvLSTM2D, kl.ConvLSTM3D),
    multi_head: (kl.MultiHeadAttention,),
    grouped_query: (kl.GroupQueryAttention,),
    # one weight or statistic a channel
    batch_norm: (kl.BatchNormalization,),
    layer_norm: (kl.LayerNormalization,),
    rms_norm: (kl.RMSNormalization,),
    group_norm: (kl.GroupNormalization,),
    unit_norm: (kl.UnitNormalization,),
    prelu: (kl.PReLU,),
    fixed: (kl.Normalization,),
    # channel by channel
    passes: (kl.Identity, kl.Dropout, kl.SpatialDropout1D, kl.SpatialDropout2D, kl.SpatialDropout3D)
    + (kl.GaussianDropout, kl.GaussianNoise, kl.ActivityRegularization),
    applied: (kl.ReLU, kl.LeakyReLU, kl.ELU, kl.Rescaling, kl.AlphaDropout),
    activation: (kl.Activation,),
    softmax: (kl.Softmax,),
    hidden: (kl.Masking,),
    # equal places of several tensors
    joined: (kl.Add, kl.Subtract, kl.Average, kl.Maximum, kl.Minimum),
    scaled: (kl.Multiply,),
    dot: (kl.Dot,),
    attention: (kl.Attention,),
    additive_attention: (kl.AdditiveAttention,),
    # positions move
    concatenate: (kl.Concatenate,),
    reshape: (kl.Reshape, kl.Flatten),
    transpose: (kl.Permute,),
    repeated: (kl.RepeatVector,),
    spatial: (kl.MaxPooling1D, kl.MaxPooling2D, kl.MaxPooling3D)
    + (kl.AveragePooling1D, kl.AveragePooling2D, kl.AveragePooling3D)
    + (kl.GlobalMaxPooling1D, kl.GlobalMaxPooling2D, kl.GlobalMaxPooling3D)
    + (kl.GlobalAveragePooling1D, kl.GlobalAveragePooling2D, kl.GlobalAveragePooling3D)
    + (kl.ZeroPadding1D, kl.ZeroPadding2D, kl.ZeroPadding3D)
    + (kl.Cropping1D, kl.Cropping2D, kl.Cropping3D)
    + (kl.AdaptiveAveragePooling1D, kl.AdaptiveAveragePooling2D, kl.AdaptiveAveragePooling3D)
    + (kl.AdaptiveMaxPooling1D, kl.AdaptiveMaxPooling2D, kl.AdaptiveMaxPooling3D)
    + (kl.UpSampling1D, kl.UpSampling2D, kl.UpSampling3D, kl.Resizing),
    # wrappers
    bidirectional: (kl.Bidirectional,),
    time_distributed: (kl.TimeDistributed,),
    spectral: (kl.SpectralNormalization,),
}

# Operations that have no public class, by name: those of `keras.ops` and `+ - * / @ []`, and two layers of
# `keras.applications`.
OPERATIONS: dict[Rule, str] = {
    passes: "Cast StopGradient Copy StochasticDepth",
    applied: "Relu Relu6 LeakyRelu Elu Selu Celu Gelu Silu Sigmoid HardSigmoid HardSilu HardTanh Tanh "
    "Softplus Softsign SoftShrink HardShrink TanhShrink LogSigmoid SparsePlus SparseSigmoid Squareplus "
    "Threshold Absolute Abs Negative Square Sqrt Rsqrt Exp Expm1 Log Log1p Sin Cos Erf Sign Round Floor "
    "Ceil Clip Reciprocal Trunc Fabs Sinh Cosh Tan Arctan Arcsinh Arccos Arcsin Arctanh Exp2 Log2 Log10 Cbrt "
    "Erfc NanToNum",
    joined: "Add Subtract Maximum Minimum CustomScaleLayer",
    scaled: "Multiply",
    divided: "Divide TrueDivide",
    chosen: "Where Power Greater GreaterEqual Less LessEqual Equal NotEqual",
    softmax: "Softmax LogSoftmax",
    per_channel: "LayerScale",
    matmul: "Matmul",
    einsum: "Einsum",
    concatenate: "Concatenate",
    stack: "Stack",
    split: "Split",
    sliced: "GetItem",
    taken: "Take",
    flipped: "Flip",
    along: "Cumsum Cumprod Sort Roll",
    padded: "Pad",
    unit_norm: "Normalize",
    reshape: "Reshape Ravel",
    transpose: "Transpose Swapaxes Moveaxis",
    squeeze: "Squeeze",
    expand_dims: "ExpandDims",
    reduced: "Mean Sum Max Min Amax Amin Prod Var Std Logsumexp Argmax Argmin",
    spatial: "MaxPool AveragePool",
}

_BY_CLASS = {kind: rule for rule, kinds in LAYERS.items() for kind in kinds}
_BY_NAME = {name: rule for rule, names in OPERATIONS.items() for name in names.split()}


def rule_for(operation: Any, own: Mapping[type, Rule] | None = None) -> Rule:
    """The rule of an operation: the user's own, the table's, or `unknown`.

    A subclass has the rule of its parent as long as it computes as the parent does.
    """
    if getattr(operation, "lora_enabled", False) or getattr(operation, "quantization_mode", None):
        return unknown
    for rules in (own or {}, _BY_CLASS):
        for kind in type(operation).__mro__:
            if kind in rules and (rules is own or _computes_as(type(operation), kind)):
                return rules[kind]
    keras_own = type(operation).__module__.startswith("keras.")
    return _BY_NAME.get(type(operation).__name__, unknown) if keras_own else unknown


def _computes_as(kind: type, parent: type) -> bool:
    return all(getattr(kind, name, None) is getattr(parent, name, None) for name in ("call", "build"))
