"""Building: a new classifier from the name of a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from octlib._checks import as_seed
from octlib.models.arguments import as_class_names, check_dropout, check_frozen, check_pooling
from octlib.models.backbones import Sizes, Weights, create_backbones
from octlib.models.classifier import OctClassifier
from octlib.models.postprocessing import Postprocessing
from octlib.preprocessing import Preprocessing


def build_classifier(
    backbone: str | Sequence[str] = "resnet50",
    freeze: bool = True,
    *,
    class_names: Sequence[str] = ("CNV", "DME", "DRUSEN", "NORMAL"),
    image_size: Sizes = None,
    weights: Weights | Sequence[Weights] = "pretrained",
    pooling: str = "average",
    dropout: float = 0.0,
    lora: int | None = None,
    steps: Sequence[str] = ("blank_wedges",),
    resize: str = "stretch",
    flips: bool = False,
    seed: int = 0,
) -> OctClassifier:
    """Build a classifier: a timm backbone, or several side by side, a pooling, and one dense layer.

    Args:
        backbone: a timm architecture, such as ``"resnet50"`` or ``"resnet50.a1_in1k"``; that of
            ``"hf-hub:owner/name"`` or of a timm folder, ``"local-dir:path"``; or ``"octlib"``, octlib's own: small,
            trained on phantoms, and here without a network. Several names, such as ``("octlib", "mobilenetv2_100")``,
            stand for one head on the features of all.
        freeze: keep the backbone as it is; ``octlib.fit`` then trains the head on its features alone, which is fast.
        class_names: in the order of the outputs; ``scans.class_names`` of your dataset.
        image_size: what scans are resized to, in pixels: a number or (height, width). ``None`` is the backbone's own;
            of several, the largest, and those that are smaller resize scans further. A list sets a size for each of
            several: (height, width), or ``None`` for its own.
        weights: ``"pretrained"`` for timm's own, through the hub; a ``.safetensors`` or ``.pth`` file; a timm folder
            (``config.json`` and weights), whose configuration wins over the architecture's defaults; ``None`` for
            random ones. For several backbones, one for all or one for each.
        pooling: ``"average"`` (timm's pooling, the spatial mean; where that is a class token, the mean over the patches
            instead) or ``"flatten"`` (the whole map).
        dropout: share of features dropped while training, in [0, 1).
        lora: a rank, such as 8: the backbone itself stays as it is, whatever ``freeze`` says, and small matrices of
            that rank learn beside its linear layers (Hu et al. 2022, "LoRA"); for transformers, with ``octlib[lora]``.
            ``classifier.merge_lora()`` adds them up.
        steps: what is done to a scan before it is resized, in this order: names of ``octlib.preprocessing.STEPS``:
            ``"blank_wedges"``, ``"normalise_contrast"``, ``"flatten_retina"`` and ``"crop_retina"``.
        resize: ``"stretch"`` fills the size; ``"pad"`` and ``"crop"`` keep the aspect ratio.
        flips: average predictions over a scan and its mirror image, which takes twice as long;
            ``classifier.postprocessing`` changes it later.
        seed: of all initial weights.

    Returns:
        The classifier, a ``keras.Model``.

    Raises:
        TypeError: if ``backbone`` is no name and no names.
        ValueError: if an argument is outside its range, or a name is unknown.
        ImageSizeError: if a backbone, or its weights, can't take the size; a ``ValueError`` too, whose text names sizes
            that they can take.
        WeightsError: if the weights do not fit the backbone, or their configuration says more than it may.
        MissingWeightsError: if the weights are not there; a ``FileNotFoundError`` too.
        UnsupportedNetworkError: if ``lora`` is asked for and there are no linear layers.
        MissingPackageError: if ``lora`` is asked for and peft isn't installed.
        HubError: if ``weights="pretrained"`` and the hub cannot be reached; a ``ConnectionError`` too, whose text
            names the choices left.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> classifier.class_names, classifier.image_size, classifier.frozen
        (('CNV', 'DME', 'DRUSEN', 'NORMAL'), (64, 64), True)
    """
    names, seed = as_class_names(class_names), as_seed(seed)
    check_frozen(freeze)
    check_pooling(pooling)
    check_dropout(dropout)
    before = Preprocessing((1, 1), steps, resize)  # whose mistakes are told before anything is downloaded
    spec, module, size = create_backbones(backbone, weights, image_size, lora=lora, seed=seed)
    return OctClassifier(
        backbone=spec,
        module=module,
        class_names=names,
        preprocessing=replace(before, image_size=size),
        pooling=pooling,
        dropout=dropout,
        frozen=freeze and lora is None,
        postprocessing=Postprocessing(flips),
        seed=seed,
    )
