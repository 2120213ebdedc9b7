"""Classifier: backbone, head, class names and preprocessing as one Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from octlib._checks import as_seed
from octlib._files import written_whole
from octlib._suggest import unknown
from octlib.models.arguments import as_class_names, check_dropout, check_frozen, check_pooling
from octlib.models.backbone import Backbone
from octlib.models.calibrated import Calibrated
from octlib.models.config_format import carried_over, require_known, with_version
from octlib.models.exporting import FORMATS, Predictor, export_file
from octlib.models.joined_backbone import JoinedBackbone
from octlib.models.joined_spec import JoinedSpec, as_spec
from octlib.models.keras_backend import keras
from octlib.models.layers import backbone_layer
from octlib.models.passes import FeaturePass
from octlib.models.postprocessing import Postprocessing
from octlib.models.publishing import Published
from octlib.models.reference import Referenced
from octlib.models.saving import save_folder
from octlib.models.seeding import drawn_weights
from octlib.models.spec import BackboneSpec
from octlib.models.state import state_dict
from octlib.models.torch_modules import TorchClassifier
from octlib.preprocessing import Preprocessing, check_images

SETTINGS = (
    *("name", "backbone", "class_names", "preprocessing", "postprocessing", "pooling", "dropout", "frozen"),
    *("unfrozen_stages", "seed", "class_shares"),
)
FOREIGN_SUFFIXES = (".h5", ".hdf5", ".onnx", ".pt", ".pth", ".safetensors")


@keras.saving.register_keras_serializable("octlib")
class OctClassifier(Calibrated, Published, Referenced, keras.Model):
    """A classifier of retinal OCT B-scans: an ordinary Keras model that knows its classes and its preprocessing.

    Two halves: ``preprocess`` does what a graph can't (wedge blanking, resizing); the graph takes what comes out of
    it and does everything else (three channels, the backbone's own mean and standard deviation). In: uint8 or float in
    0-255, (batch, height, width) or (batch, height, width, 1 or 3). Out: probabilities, (batch, classes).

    Build one with ``octlib.build_classifier``, which gives every argument a default.

    Args:
        backbone: the specification of the backbone, or of several, or its dictionary; or the backbone of another
            classifier, to share it.
        class_names: in the order of the outputs.
        preprocessing: what happens to a scan outside the graph, or its dictionary.
        pooling: ``"average"`` or ``"flatten"``.
        dropout: share of features dropped while training, in [0, 1).
        frozen: whether the backbone stays as it is.
        unfrozen_stages: how many of its last stages learn where it isn't frozen; ``None`` is all. Of several backbones
            that differ in it, a list; 0 is a frozen one.
        postprocessing: what happens to a prediction after the graph, or its dictionary.
        seed: of the head's initial weights and of dropout.
        class_shares: the share of each class that training has taught it to expect; ``None`` where nobody knows.
        module: the timm module with its weights, or one for each backbone; ``None`` builds at random, for weights that
            are loaded later.
        **kwargs: arguments of ``keras.Model``, such as ``name``.
    """

    def __init__(
        self,
        *,
        backbone: BackboneSpec | JoinedSpec | dict[str, Any] | Backbone,
        class_names: Sequence[str],
        preprocessing: Preprocessing | dict[str, Any],
        pooling: str = "average",
        dropout: float = 0.0,
        frozen: bool = True,
        unfrozen_stages: int | Sequence[int | None] | None = None,
        postprocessing: Postprocessing | dict[str, Any] = Postprocessing(),  # noqa: B008 - it can't change
        seed: int = 0,
        class_shares: Sequence[float] | None = None,
        module: Any = None,
        **kwargs: Any,
    ) -> None:
        # Keras would number classifiers, and one that is built again would be saved under another name.
        super().__init__(**{"name": "oct_classifier", **kwargs})
        self._class_names = as_class_names(class_names)
        check_pooling(pooling)
        check_frozen(frozen)
        self.preprocessing = (
            preprocessing if isinstance(preprocessing, Preprocessing) else Preprocessing.from_dict(preprocessing)
        )
        check_dropout(dropout)
        self.seed = seed = as_seed(seed)
        self.class_shares = class_shares
        self.postprocessing = (
            Postprocessing.from_dict(postprocessing) if isinstance(postprocessing, dict) else postprocessing
        )
        self.backbone: Any = self._as_layer(backbone, pooling, module)
        if frozen:
            self.backbone.trainable = False
        else:
            self.backbone.unfreeze(unfrozen_stages)
        self.dropout = keras.layers.Dropout(dropout, seed=seed, name="dropout")
        self.head = keras.layers.Dense(len(self.class_names), kernel_initializer="zeros", name="head")
        # Built at once, so that summary and save work on a new classifier.
        self.backbone.build((None, *self.image_size))
        for layer in (self.dropout, self.head):
            layer.build((None, self.backbone.n_features))
        # Near zero, where training starts best; not at zero, where a class activation map would have nothing to show.
        start = drawn_weights((self.backbone.n_features, len(self.class_names)), 1e-3, seed)
        self.head.set_weights([start, np.zeros(len(self.class_names), np.float32)])
        self.built = True

    def _as_layer(self, backbone: Any, pooling: str, module: Any) -> Any:
        if not isinstance(backbone, Backbone):
            spec = as_spec(backbone) if isinstance(backbone, dict) else backbone
            kind: Any = JoinedBackbone if isinstance(spec, JoinedSpec) else backbone_layer()
            return kind(spec, pooling, self.image_size, module=module, name="backbone")
        if (backbone.pooling, backbone.image_size) != (pooling, self.image_size) or module is not None:
            raise ValueError("A backbone that is shared has its pooling, its image size and its module already.")
        return backbone

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of the outputs."""
        return self._class_names

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the scans that the graph takes, in pixels."""
        return self.preprocessing.image_size

    @property
    def backbone_name(self) -> str:
        """timm's name of the architecture, or several, such as ``"resnet18 + vit_tiny_patch16_224"``."""
        return str(self.backbone.spec.architecture)

    @property
    def backbone_names(self) -> tuple[str, ...]:
        """The same, one for each backbone."""
        spec = self.backbone.spec
        return spec.names if isinstance(spec, JoinedSpec) else (spec.architecture,)

    @property
    def frozen(self) -> bool:
        """Whether the backbone stays as it is in ``octlib.fit``."""
        return not self.backbone.trainable

    def __repr__(self) -> str:
        """Say in two lines what it is, and in a third what happens to its predictions."""
        height, width = self.image_size
        said = self.postprocessing.describe()
        calibrated = "" if self.postprocessing == Postprocessing() else f"\nprediction: {said}"
        return (
            f"OctClassifier: {self.backbone_name}, {self._state()}, for scans of {height} x {width}\n"
            f"classes: {', '.join(self.class_names)}{calibrated}"
        )

    def _state(self) -> str:
        stages = self.backbone.unfrozen_stages
        if self.frozen:
            return "frozen"
        if isinstance(stages, list):
            named = zip(self.backbone_names, stages, strict=True)
            learning = [name if n is None else f"last {n} stages of {name}" for name, n in named if n != 0]
            return f"{', '.join(learning)} not frozen"
        if self.backbone.spec.lora is not None:
            last = "" if stages is None else f" in the last {stages} stages"
            return f"LoRA of rank {self.backbone.spec.lora.rank}{last}"
        return "not frozen" if stages is None else f"last {stages} stages not frozen"

    def unfreeze(self, stages: int | None = None, *, backbone: str | None = None) -> None:
        """Let the next ``octlib.fit`` train the backbone too.

        Args:
            stages: how many of its last stages, as timm counts them: a ResNet has five with its stem, a transformer one
                a block and the embedding. ``None`` is all. The others stay frozen, BatchNorm included.
            backbone: which of several, by its name in ``backbone_names``; the others are frozen. ``None`` is all, each
                with that many stages.

        Raises:
            ValueError: if there are not that many, or no such backbone.

        Example:
            >>> import octlib
            >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
            >>> classifier.unfreeze(stages=2)
            >>> classifier.frozen
            False
        """
        if backbone is None:
            self.backbone.unfreeze(stages)
        elif backbone not in self.backbone_names:
            raise unknown("backbone of this classifier", backbone, self.backbone_names)
        elif len(self.backbone_names) == 1:
            self.backbone.unfreeze(stages)
        else:
            self.backbone.unfreeze_one(backbone, stages)

    def merge_lora(self) -> OctClassifier:
        """Return a classifier that needs no LoRA: what it has learnt is added to the backbone's own weights.

        Returns:
            A new classifier with the same probabilities and an ordinary backbone, none of it frozen.

        Raises:
            ValueError: if there is nothing to add.

        Example:
            >>> import octlib
            >>> classifier = octlib.build_classifier("test_vit", weights=None, image_size=64, lora=4)
            >>> classifier.merge_lora().backbone.spec.lora is None
            True
        """
        spec, backbone = self.backbone.spec, self.backbone.to_torch()
        if spec.lora is None:
            raise ValueError("There is no LoRA to merge. build_classifier(..., lora=8) makes a classifier with one.")
        if isinstance(spec, JoinedSpec):
            plain: Any = JoinedSpec(tuple(replace(member, lora=None) for member in spec.members))
            modules: Any = [member.module for member in backbone.members.values()]
        else:
            plain, modules = replace(spec, lora=None), backbone.module
        settings = carried_over(self.get_config())
        changed = {"backbone": plain, "module": modules, "frozen": False, "unfrozen_stages": None}
        merged = OctClassifier(**settings | changed)
        merged.head.set_weights(self.head.get_weights())
        return merged

    def preprocess(self, scans: Any) -> np.ndarray:
        """Do to scans what has to happen before the graph, such as to blank white wedges and to resize.

        Args:
            scans: a uint8 array (n, height, width) or (n, height, width, 1 or 3), a list of such images, the path of an
                image, or a list of such paths. For a dataset: ``dataset.images(classifier.preprocessing)``.

        Returns:
            uint8 (n, height, width), of ``image_size``.

        Raises:
            TypeError: if ``scans`` is none of these.
            UnreadableScanError: if an image can't be read.
            ValueError: if an array has another shape, or a path is a folder.
        """
        if isinstance(scans, str | Path):
            scans = [scans]
        if not isinstance(scans, list | tuple | np.ndarray):
            raise TypeError(
                "scans must be a uint8 array, or a list of arrays or of paths of images, got "
                f"{type(scans).__name__}. A dataset: dataset.images(classifier.preprocessing)."
            )
        if len(scans) == 0:
            return np.empty((0, *self.image_size), np.uint8)
        if all(isinstance(scan, str | Path) for scan in scans):
            return np.stack([self._read(Path(scan)) for scan in scans])
        check_images(scans)
        return np.stack([self.preprocessing(scan) for scan in scans])

    def _read(self, path: Path) -> np.ndarray:
        if path.is_dir():
            raise ValueError(
                f"{path} is a folder. Load it first: octlib.load_oct_dataset(...).images(classifier.preprocessing)."
            )
        return self.preprocessing.read(path)

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute probabilities.

        Args:
            scans: preprocessed scans, uint8 or float in 0-255, (batch, height, width[, 1 or 3]).
            training: whether dropout is active.

        Returns:
            float32 (batch, classes) in [0, 1]; rows sum to 1.
        """
        return keras.ops.softmax(self.logits(scans, training=training))

    def logits(self, scans: Any, training: bool = False) -> Any:
        """Compute the values before the softmax; arguments as in ``call``.

        Returns:
            float32 (batch, classes).
        """
        return self.head_logits(self.features(scans, training=training), training=training)

    def features(self, scans: Any, training: bool = False) -> Any:
        """Compute what the backbone gives; arguments as in ``call``.

        Returns:
            float32 (batch, features).
        """
        return self.backbone(keras.ops.convert_to_tensor(scans), training=training)

    @property
    def passes(self) -> tuple[FeaturePass, ...]:
        """What gives features, one for each backbone, in the order of ``features``."""
        for each in self._passes:
            each.preprocessing = self.preprocessing  # which may have been exchanged
        return self._passes

    @cached_property
    def _passes(self) -> tuple[FeaturePass, ...]:
        members = self.backbone.members if isinstance(self.backbone, JoinedBackbone) else [self.backbone]
        return tuple(FeaturePass(member, self.preprocessing) for member in members)

    def extract(self, scans: np.ndarray) -> np.ndarray:
        """Compute what the backbone gives, without gradients and compiled where the backend compiles.

        Args:
            scans: preprocessed scans, uint8 or float in 0-255, (n, height, width[, 1 or 3]).

        Returns:
            float32 (n, features).
        """
        return np.concatenate([each.extract(scans) for each in self.passes], axis=1)

    def head_logits(self, features: Any, training: bool = False) -> Any:
        """Compute logits from ``features``.

        Returns:
            float32 (batch, classes).
        """
        return self.head(self.dropout(features, training=training))

    def to_torch(self) -> TorchClassifier:
        """Return a copy as a plain torch module.

        Returns:
            A ``torch.nn.Module`` in evaluation mode: (batch, height, width) or (batch, 1 or 3, height, width) in 0-255
            in, logits (batch, classes) out. It shares nothing with the classifier.
        """
        backbone = self.backbone.to_torch()
        kernel, bias = (torch.tensor(weight) for weight in self.head.get_weights())
        classifier = TorchClassifier(backbone, kernel.T, bias)
        classifier.to(backbone.mean.device).eval()
        return classifier

    def save(self, folder: str | Path, *, overwrite: bool = False, evaluation: Any = None, **kwargs: Any) -> None:
        """Save the classifier.

        Args:
            folder: where to: a folder with ``config.json``, ``model.safetensors`` (timm's key names, but for LoRA) and
                ``README.md`` (a model card). A path that ends in ``.keras`` is written in Keras's own format.
                ``octlib.load_classifier`` reads both.
            overwrite: replace the classifier that is there; a folder with anything else in it is never replaced.
            evaluation: what ``octlib.evaluate`` returned, for the model card of a folder.
            **kwargs: further arguments of ``keras.Model.save``, for ``.keras`` alone.

        Raises:
            FileExistsError: if the target exists and ``overwrite`` is false, or it is no classifier.
            TypeError: if ``evaluation`` is none.
            ValueError: if the name has the suffix of a format that is not written; if the evaluation is of other
                classes, or there is no model card for it.
        """
        target = Path(folder).absolute()
        if target.suffix in FOREIGN_SUFFIXES:
            raise ValueError(
                f"A classifier is saved as a folder or as a .keras file, got {target.name!r}. Leave the suffix out, or "
                "use save_weights for .weights.h5 and export for .onnx."
            )
        if target.exists() and not overwrite:
            raise FileExistsError(
                f"{target} exists already. Choose another name, or pass overwrite=True to replace it."
            )
        if target.suffix == ".keras":
            if evaluation is not None:
                raise ValueError(
                    f"A .keras file has no model card for an evaluation, got {target.name!r}. Save a folder."
                )
            with written_whole(target) as path:
                super().save(path, overwrite=True, **kwargs)
        else:
            save_folder(target, self.get_config(), state_dict(self), evaluation, reference=self.reference)

    def export(self, path: str | Path, format: str = "onnx", **kwargs: Any) -> float | None:  # noqa: A002
        """Write the classifier as one file that needs neither octlib nor Keras, run the file, and compare.

        In: ``scans`` after ``preprocess``, float32 (batch, height, width) in 0-255, a batch of any length. Out:
        ``probabilities``, float32 (batch, classes), after ``postprocessing``: calibrated, if the classifier is, but
        without sets. The file holds the names of the classes,
        as JSON under ``class_names`` in the metadata of ONNX, and in torch's extra file ``class_names.json``.

        Args:
            path: of the file, ``.onnx`` or ``.pt2``; one that is there is never replaced.
            format: ``"onnx"``, for ONNX Runtime and others (needs the extra ``octlib[onnx]``); or ``"torch"``, a
                program that ``torch.export.load`` reads. Other formats are those of ``keras.Model.export``: the graph
                alone, which is not compared.
            **kwargs: further arguments of ``keras.Model.export``, for its formats alone.

        Returns:
            The largest difference between the file's probabilities and the classifier's own, on a few random scans:
            about 1e-6, from sums in another order. ``None`` for Keras's formats.

        Raises:
            TypeError: if there are further arguments for a format of octlib's.
            ValueError: if the format is unknown, the suffix is that of another one, or the probabilities would differ
                by more than 1e-4: then no file is written.
            FileExistsError: if something is at ``path``.
            MissingPackageError: if the packages of ``octlib[onnx]`` are missing.
            OSError: if the file can't be written.

        Example:
            >>> import octlib, tempfile
            >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
            >>> classifier.export(tempfile.mkdtemp() + "/classifier.pt2", format="torch") < 1e-5
            True
        """
        if format not in FORMATS:
            super().export(path, format=format, **kwargs)
            return None
        if kwargs:
            raise TypeError(f"export takes no {', '.join(kwargs)} with format={format!r}.")
        predictor = Predictor(self.to_torch(), self.postprocessing)
        return export_file(predictor, Path(path), format, class_names=self.class_names, predicted=self._predicted)

    def _predicted(self, scans: np.ndarray) -> np.ndarray:
        views = [scans[:, :, ::-1].copy() if mirrored else scans for mirrored in self.postprocessing.views]
        combined: np.ndarray = self.postprocessing.combine([keras.ops.convert_to_numpy(self(view)) for view in views])
        return combined

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs: names and numbers, no weights."""
        return with_version(
            {
                "name": self.name,
                "backbone": self.backbone.spec.to_dict(),
                "class_names": list(self.class_names),
                "preprocessing": self.preprocessing.to_dict(),
                "postprocessing": self.postprocessing.to_dict(),
                "pooling": self.backbone.pooling,
                "dropout": self.dropout.rate,
                "frozen": self.frozen,
                "unfrozen_stages": self.backbone.unfrozen_stages,
                "seed": self.seed,
                "class_shares": None if self.class_shares is None else list(self.class_shares),
            }
        )

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> OctClassifier:
        """Build a classifier, with random weights, from ``get_config``'s dictionary.

        Args:
            config: of this version or an older one; what is missing gets its default.
            custom_objects: what Keras hands over; nothing here needs it.

        Returns:
            The classifier.

        Raises:
            TypeError: if a setting without a default is missing.
            ValueError: if a setting is unknown, or the version is newer than this octlib.
            WeightsError: if a setting would choose files or places.
        """
        settings = carried_over(config)
        require_known("a classifier", settings, SETTINGS)
        return cls(**settings)


def require_classifier(value: Any) -> None:
    """Refuse what is no classifier, such as scans that were given in its place.

    Args:
        value: what a verb was given.

    Raises:
        TypeError: if it is anything else.
    """
    if not isinstance(value, OctClassifier):
        raise TypeError(
            "classifier must be what octlib.build_classifier or octlib.load_classifier returns, got "
            f"{type(value).__name__}. The classifier comes first, then the scans."
        )
