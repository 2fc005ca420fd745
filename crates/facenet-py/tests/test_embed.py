"""Images become embeddings, however Python holds them."""

import io
import pickle
import threading

import numpy as np
import pytest
from conftest import drawn
from PIL import Image

import facenet
from facenet import FaceNet


def are_one(rows: np.ndarray) -> bool:
    """Sums of a batch are rounded by where a row lies in it; a pixel that differs changes far more."""
    return np.allclose(rows, rows[0], atol=1e-6)


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_an_embedding_is_a_row_of_unit_length(net):
    rows = net.embed([drawn(1), drawn(2)])
    assert rows.shape == (2, 128) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert np.linalg.norm(rows[0] - rows[1]) > 0.01
    assert net.embed(drawn(1)).shape == (1, 128)
    assert net.embed([]).shape == (0, 128)


def test_arrays_bytes_files_and_pillow_give_the_same(net, tmp_path):
    image = drawn(3)
    path = tmp_path / "a.png"
    path.write_bytes(png(image))
    kinds = [
        image,
        np.asfortranarray(image),
        image[:, ::-1][:, ::-1],
        png(image),
        bytearray(png(image)),
        memoryview(png(image)),
        path,
        str(path),
        Image.fromarray(image),
        Image.open(path),
    ]
    rows = net.embed(kinds)
    assert are_one(rows)


def test_grey_is_the_same_as_three_equal_channels(net):
    grey = drawn(4)[..., 0]
    pictures = [grey, grey[..., None], np.stack([grey] * 3, axis=-1), Image.fromarray(grey)]
    rows = net.embed(pictures)
    assert are_one(rows)


def test_a_stack_and_a_generator_are_many_images(net):
    stack = np.stack([drawn(seed) for seed in range(3)])
    assert np.allclose(net.embed(stack), net.embed(image for image in stack), atol=1e-6)


def test_more_images_than_a_window_keep_their_order(net):
    images = [drawn(seed, 32, 32) for seed in range(5)]
    rows = net.embed(images)
    many = net.embed(images[number % 5] for number in range(131))
    assert many.shape == (131, 128)
    assert np.allclose(many, rows[np.arange(131) % 5], atol=1e-6)


def test_a_picture_of_pillow_is_turned_upright_like_its_file(net, tmp_path):
    picture = Image.fromarray(drawn(5))
    exif = picture.getexif()
    exif[0x0112] = 6
    path = tmp_path / "turned.png"
    picture.save(path, exif=exif)
    rows = net.embed([path, Image.open(path), np.rot90(drawn(5), -1)])
    assert are_one(rows)
    assert not are_one(np.vstack([rows, net.embed(drawn(5))]))


def test_what_is_transparent_is_white(net):
    image = np.dstack([drawn(6), np.zeros((112, 112), np.uint8)])
    rows = net.embed([Image.fromarray(image), png(image), np.full((112, 112, 3), 255, np.uint8)])
    assert are_one(rows)


def test_the_crop_decides_what_is_seen(net):
    image = drawn(7, 200, 200)
    rows = np.vstack([net.embed(image, crop=crop) for crop in ("none", "center", "tight")])
    assert len({row.tobytes() for row in rows}) == 3
    assert are_one(np.vstack([net.embed(image, crop="aligned"), rows[:1]]))
    with pytest.raises(ValueError, match='crop `middle` is unknown: expected "detect"'):
        net.embed(image, crop="middle")


def test_an_oblong_image_is_no_aligned_crop(net):
    with pytest.raises(facenet.ImageError, match=r"image 0: .*square.*\nhint: if it is a whole photo"):
        net.embed(drawn(1, 100, 120))
    assert net.embed(drawn(1, 100, 120), crop="center").shape == (1, 128)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (np.zeros((10, 10, 3), np.float32), ValueError, r"uint8.*float32\nhint"),
        (np.zeros((10, 10, 2), np.uint8), ValueError, r"\[height, width, 3\].*\[10, 10, 2\]"),
        (np.zeros((0, 10, 3), np.uint8), ValueError, r"\[0, 10, 3\]"),
        (17, TypeError, "found a `int`, expected a path"),
        ([17], TypeError, "found a `int`"),
        (b"no image", facenet.ImageError, "image 0"),
        ("gone.jpg", FileNotFoundError, "image 0, `gone.jpg`"),
        ("gone.jpg", facenet.ImageError, "No such file"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(net, wrong, error, text):
    with pytest.raises(error, match=text):
        net.embed(wrong)


def test_the_image_that_failed_is_named(net):
    with pytest.raises(facenet.ImageError, match="^image 70: "):
        net.embed([drawn(1, 32, 32)] * 70 + [b"no image"])


def test_other_threads_run_while_the_network_does(net):
    # A thread that counts gets on only if Python's lock was given up.
    images, counted, stop = [drawn(seed) for seed in range(8)], [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            stop.wait(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    net.embed(images * 8)
    after = counted[0]
    stop.set()
    thread.join()
    assert after - before >= 3


def test_threads_share_a_model(net):
    images = [drawn(seed) for seed in range(4)]
    expected, found = net.embed(images), [None] * 4

    def embed(number):
        found[number] = net.embed(images[number])[0]

    threads = [threading.Thread(target=embed, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.allclose(np.array(found), expected, atol=1e-6)


def test_a_model_goes_to_another_process_by_its_settings(net):
    other = pickle.loads(pickle.dumps(FaceNet(min_score=0.9, min_face_px=40)))
    assert other.contract == net.contract
    assert np.array_equal(other.embed(drawn(1)), net.embed(drawn(1)))


def test_the_contract_says_what_is_comparable(net):
    contract = net.contract
    assert contract.id.startswith(f"{contract.network}-128-{contract.weights[:12]}")
    assert contract.dimension == 128
    assert facenet.Contract.from_json(contract.to_json()) == contract
    assert pickle.loads(pickle.dumps(contract)) == contract
    rates = [threshold.false_accept_rate for threshold in contract.thresholds]
    assert rates == sorted(rates) and contract.threshold(rates[-1]) == contract.thresholds[-1].distance
    assert contract.probability(0.0) > 0.9 > 0.1 > contract.probability(4.0)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"no model")
    with pytest.raises(facenet.ModelError, match="model.safetensors"):
        FaceNet(path)
    (tmp_path / "net.onnx").write_bytes(b"no model")
    with pytest.raises(facenet.ModelError, match="hint: `facenet model import`"):
        FaceNet(tmp_path / "net.onnx")
