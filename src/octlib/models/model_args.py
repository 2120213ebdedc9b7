"""Model arguments: which arguments of timm's architectures a configuration from elsewhere may choose, and no others.

timm passes whatever stands in a configuration to ``create_model``, which opens files for some of it
(``checkpoint_path``, ``pretrained_cfg``) and takes names of architectures that are places (``hf-hub:``,
``local-dir:``). So nothing gets there that isn't on a list: sizes and switches, and words that timm looks up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from octlib.errors import WeightsError

# fmt: off
# Numbers, truth values, and lists of them.
NUMBERS = frozenset({
    "always_partition", "attn_drop_rate", "avg_down", "base_width", "block_reduce_first", "bottle_ratio",
    "cardinality", "channel_multiplier", "channels", "class_token", "conv_bias", "conv_mlp", "conv_ratio",
    "deepen_factor", "depth", "depth_mult", "depths", "dims", "distilled", "downsamples", "drop_block_rate",
    "drop_path_rate", "drop_rate", "dynamic_img_pad", "dynamic_img_size", "embed_dim", "embed_dims", "expand_ratio",
    "fc_norm", "final_norm", "fix_init", "fix_stem", "groups", "growth_rate", "head_dim", "head_hidden_size",
    "head_init_scale", "head_norm_first", "head_widths", "heads", "img_size", "init_values", "kernel_size",
    "kernel_sizes", "key_dim", "layer_scale_init_value", "layers", "ls_init_value", "mlp_ratio", "mlp_ratios",
    "no_embed_class", "norm_eps", "num_features", "num_heads", "num_init_features", "num_kv_heads", "num_reg_tokens",
    "output_stride", "patch_drop_rate", "patch_norm", "patch_size", "pool_include_prefix", "pos_drop_rate",
    "pos_embed_grid_size", "pre_norm", "proj_bias", "proj_drop_rate", "qk_norm", "qkv_bias", "qkv_fused",
    "ref_feat_shape", "reg_tokens", "rope_temperature", "se_ratio", "stem_chs", "stem_kernel_size", "stem_size",
    "stem_width", "strict_img_size", "swiglu_mlp", "use_abs_pos_emb", "use_fc_norm", "use_grn", "use_post_norm",
    "use_rel_pos_bias", "use_shared_rel_pos_bias", "width", "width_factor", "width_mult", "widths", "window_size",
    "window_sizes", "zero_init_last",
})
# Words, each with those that timm knows.
WORDS: dict[str, frozenset[str]] = {
    "act_layer": frozenset({
        "celu", "elu", "gelu", "gelu_tanh", "hard_mish", "hard_sigmoid", "hard_swish", "leaky_relu", "mish", "prelu",
        "quick_gelu", "relu", "relu6", "selu", "sigmoid", "silu", "swish", "tanh",
    }),
    "aa_layer": frozenset({"avg", "avgpool", "blur", "blurpc", "blurpool"}),
    "global_pool": frozenset({"", "avg", "avgmax", "catavgmax", "fast", "fastavg", "map", "max", "prr", "token"}),
    "norm_layer": frozenset({
        "batchnorm", "batchnorm2d", "frozenbatchnorm2d", "groupnorm", "groupnorm1", "layernorm", "layernorm2d",
        "rmsnorm", "rmsnorm2d",
    }),
    "pad_type": frozenset({"", "same", "valid"}),
    "pos_embed": frozenset({"", "factorized", "learn", "none", "rope"}),
    "stem_type": frozenset({"", "deep", "deep_tiered", "overlap", "overlap_tiered", "patch", "tiered"}),
    "weight_init": frozenset({"", "jax", "jax_nlhb", "moco", "normal", "reset", "skip"}),
}
# fmt: on
# What timm's description of weights may hold to say where they are, which is settled already.
SOURCES = ("custom_load", "file", "hf_hub_filename", "hf_hub_id", "source", "state_dict", "url")


def check_architecture(name: object) -> None:
    """Refuse what is no plain name of an architecture.

    Args:
        name: as a configuration has it, without a weights tag.

    Raises:
        WeightsError: if it is a place (``"hf-hub:..."``, ``"local-dir:..."``, a path) or no text.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise WeightsError(
            f"A configuration must name a timm architecture, such as 'resnet50', got {name!r}.",
            "Names of places and files are not followed.",
        )


def check_model_args(model_args: Mapping[str, Any]) -> None:
    """Refuse arguments that do more than shape the network.

    Args:
        model_args: as a configuration has them.

    Raises:
        WeightsError: if a name isn't on the list, or a value not of its kind; the text names it.
    """
    for name, value in model_args.items():
        if not (value in WORDS[name] if name in WORDS and isinstance(value, str) else _is_plain(name, value)):
            raise WeightsError(
                f"A configuration must not pass {name!r}={value!r} to a timm architecture.",
                "Only sizes, switches and timm's own words for layers are passed on; take the argument out if you "
                "trust the rest.",
            )


def check_description(pretrained_cfg: Mapping[str, Any]) -> None:
    """Refuse a description of weights that says where to find them: they are beside it.

    Args:
        pretrained_cfg: timm's, from a file.

    Raises:
        WeightsError: if it names a file, an address or a loader; the text names the key.
    """
    for name in SOURCES:
        if pretrained_cfg.get(name):
            raise WeightsError(
                f"A configuration must not choose where weights come from, got {name!r}={pretrained_cfg[name]!r}.",
                "They are taken from the file beside it; take the key out if you trust the rest.",
            )


def _is_plain(name: str, value: Any) -> bool:
    if value is None:  # timm leaves it out
        return name in NUMBERS or name in WORDS
    return name in NUMBERS and _is_number(value)


def _is_number(value: Any) -> bool:
    return all(map(_is_number, value)) if isinstance(value, list | tuple) else isinstance(value, int | float)
