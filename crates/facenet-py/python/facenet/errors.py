"""What goes wrong. Each message says what was found and what was expected; lines that begin with "hint:" say what to do."""


class FaceNetError(Exception):
    """Anything that this package could not do."""


class DataError(FaceNetError, ValueError):
    """Arrays, labels or pairs that do not fit each other or the model."""


class GalleryError(FaceNetError):
    """A gallery that cannot be opened, read or changed."""


class UnknownError(GalleryError, LookupError):
    """A person, photo or face that the gallery does not have."""


class ImageError(FaceNetError, ValueError):
    """A photo that cannot be used."""


class MissingFileError(ImageError, FileNotFoundError):
    """A photo's file that is not there."""


class NoFaceError(ImageError):
    """A photo without a face, where one was needed."""


class ModelError(FaceNetError, ValueError):
    """A file that is no model, or not one for this."""


class ThresholdError(FaceNetError, ValueError):
    """A threshold that the model does not have."""
