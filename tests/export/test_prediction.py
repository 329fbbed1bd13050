"""The SavedModel of a predictor of frames."""

import numpy as np
import pytest

from kerasgan import FramePredictor
from kerasgan.data.kinds import Video
from kerasgan.export import export_as


@pytest.mark.tensorflow
def test_the_next_frames(tmp_path):
    import tensorflow as tf

    model = FramePredictor((3, 16, 16, 1), context=2, scales=2, patch_size=8, width=1 / 64, seed=0)
    export_as(model, tmp_path / "saved")
    predict = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    films = Video((4, 9, 11, 1)).example(2, 0)
    found = predict(films=tf.constant(films))["images"].numpy()
    np.testing.assert_allclose(found, model.continue_video(films)[:, 0], atol=1e-6)
    with pytest.raises(ValueError, match="'savedmodel' only"):
        export_as(model, tmp_path / "model.onnx")
