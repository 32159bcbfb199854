"""Which iOS loads which Core ML file: the one place that says so.

Source: Apple's `mlmodel/format/Model.proto` (coremltools 9.0), comments of `specificationVersion`; the
operations of each opset are those of coremltools' own registry, with which a test compares this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.errors import ExportError


@dataclass(frozen=True, slots=True)
class Release:
    """One generation of Apple's systems.

    Attributes:
        ios: Of iOS and iPadOS, such as 18.
        macos: Of macOS, such as 15.
        specification: The newest specification version it loads.
        opset: The newest operation set it runs; 0 before ML Programs.
    """

    ios: int
    macos: str
    specification: int
    opset: int

    @property
    def opset_name(self) -> str:
        """The operation set as a file states it, such as "CoreML8"."""
        return f"CoreML{self.opset}"


RELEASES = (
    Release(11, "10.13", 2, 0),
    Release(12, "10.14", 3, 0),
    Release(13, "10.15", 4, 3),
    Release(14, "11", 5, 4),
    Release(15, "12", 6, 5),
    Release(16, "13", 7, 6),
    Release(17, "14", 8, 7),
    Release(18, "15", 9, 8),
    Release(26, "26", 10, 9),
)

#: The first with ML Programs, the kind of model that a `.mlpackage` of ours holds.
OLDEST_IOS = 15
#: The first with several functions in one package.
FUNCTIONS_IOS = 18

_OF_IOS_16 = (
    "constexpr_affine_dequantize", "constexpr_cast", "constexpr_lut_to_dense", "constexpr_sparse_to_dense",
    "fill_like", "pixel_unshuffle", "reshape_like",
)  # fmt: skip
_OF_IOS_17 = ("dequantize", "quantize", "resize")
_OF_IOS_18 = (
    "constexpr_blockwise_shift_scale", "constexpr_lut_to_sparse", "constexpr_sparse_blockwise_shift_scale",
    "read_state", "scaled_dot_product_attention", "slice_update", "write_state",
)  # fmt: skip
#: Operation → the first iOS that has it; those that are not here came with ML Programs, or are unknown.
LATER_OPERATIONS = {
    **dict.fromkeys(_OF_IOS_16, 16),
    **dict.fromkeys(_OF_IOS_17, 17),
    **dict.fromkeys(_OF_IOS_18, 18),
}
_FIRST = (
    "abs acos add affine argsort asin atan atanh avg_pool band_part batch_norm batch_to_space cast ceil "
    "clamped_relu classify clip concat cond const conv conv_quantized conv_transpose cos cosh crop "
    "crop_resize cumsum depth_to_space einsum elu equal erf exp exp2 expand_dims fill flatten2d floor "
    "floor_div gather gather_along_axis gather_nd gelu greater greater_equal gru identity instance_norm "
    "inverse l2_norm l2_pool layer_norm leaky_relu less less_equal linear linear_activation list_gather "
    "list_length list_read list_scatter list_write local_response_norm log logical_and logical_not "
    "logical_or logical_xor lstm make_list matmul max_pool maximum minimum mod mul non_maximum_suppression "
    "non_zero not_equal one_hot pad pixel_shuffle pow prelu random_bernoulli random_categorical "
    "random_normal random_uniform range_1d real_div reduce_argmax reduce_argmin reduce_l1_norm "
    "reduce_l2_norm reduce_log_sum reduce_log_sum_exp reduce_max reduce_mean reduce_min reduce_prod "
    "reduce_sum reduce_sum_square relu relu6 resample reshape resize_bilinear resize_nearest_neighbor "
    "reverse reverse_sequence rnn round rsqrt scaled_tanh scatter scatter_along_axis scatter_nd select shape "
    "sigmoid sigmoid_hard sign silu sin sinh slice_by_index slice_by_size sliding_windows softmax softplus "
    "softplus_parametric softsign space_to_batch space_to_depth split sqrt square squeeze stack sub tan tanh "
    "threshold thresholded_relu tile topk transpose upsample_bilinear upsample_nearest_neighbor "
    "while_loop"
)
#: Operations of ML Programs from the start.
FIRST_OPERATIONS = frozenset(_FIRST.split())


def release_of_ios(ios: int) -> Release:
    """Return the release of an iOS version; KeyError when it is in no table."""
    return {release.ios: release for release in RELEASES}[ios]


def release_of_specification(version: int) -> Release | None:
    """Return the first release that loads a specification version; None when it is newer than the table."""
    return next((release for release in RELEASES if release.specification >= version), None)


def release_of_opset(name: str) -> Release | None:
    """Return the release of an operation set such as "CoreML8"; None when no table has it."""
    return next((release for release in RELEASES if release.opset and release.opset_name == name), None)


def asked_ios(oldest_runtime: str | None) -> int | None:
    """Read the iOS version of `ExportOptions.oldest_runtime`, such as "16" or "16.4".

    Returns:
        The newest release of the table that is not newer; None where no limit is set.

    Raises:
        ExportError: It is no version, or one without ML Programs.
    """
    if oldest_runtime is None:
        return None
    whole, _, rest = oldest_runtime.strip().partition(".")
    if not whole.isdecimal() or (rest and not rest.replace(".", "").isdecimal()):
        raise ExportError(f"{oldest_runtime!r} is no iOS version; give a number such as 16 or 18.")
    if int(whole) < OLDEST_IOS:
        raise ExportError(
            f"iOS {oldest_runtime} cannot load this model: it is an ML Program, which needs iOS "
            f"{OLDEST_IOS}. Give {OLDEST_IOS} or newer."
        )
    return max(release.ios for release in RELEASES if release.ios <= int(whole))
