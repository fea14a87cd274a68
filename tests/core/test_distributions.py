"""Installed packages whose metadata is broken, and packages that are there twice."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path

import pytest

from tests.core.site import OWN_NAMES, Site
from turnout._app import App
from turnout._config import Config
from turnout._distributions import identity
from turnout._plugins import PluginHost, PluginRules, SetAside
from turnout._version import VERSION
from turnout.cli._main import run

GOOD = """
@hookimpl
def turnout_providers():
    return [row("Good", "good-1")]
"""

UNPARSED = b"[console_scripts]\nno equals sign\n"
METADATA = b"Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"


def add(
    site: Site, name: str, *, metadata: bytes | None = METADATA, points: bytes = b""
) -> Path:
    """Install a package of which nothing is there but its metadata."""
    info = site.folder / name
    info.mkdir()
    if metadata is not None:
        (info / "METADATA").write_bytes(metadata)
    (info / "entry_points.txt").write_bytes(points)
    importlib.invalidate_caches()
    return info


def only(found: list[SetAside]) -> SetAside:
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("metadata", "points", "told"),
    [
        pytest.param(METADATA, UNPARSED, "its entry_points.txt cannot", id="parse"),
        pytest.param(METADATA, b"\xff\xfe[", "its entry_points.txt cannot", id="bytes"),
        pytest.param(None, b"", "its METADATA is missing or lacks Name", id="none"),
        pytest.param(b"", b"", "its METADATA is missing or lacks Name", id="empty"),
        pytest.param(
            b"Version: 1.0\n\n", b"", "its METADATA is missing or lacks Name", id="name"
        ),
        pytest.param(
            b"Name: other\n\n",
            b"",
            "its METADATA is missing or lacks Version",
            id="version",
        ),
        pytest.param(b"Name: \xff\n", b"", "its METADATA cannot be read: Un", id="utf"),
    ],
)
def test_broken_metadata_of_another_package_does_no_harm(
    site: Site, metadata: bytes | None, points: bytes, told: str
) -> None:
    info = add(site, "other-1.0.dist-info", metadata=metadata, points=points)
    host = PluginHost(PluginRules())

    host.load_all()

    assert sorted(plugin.name for plugin in host.plugins) == OWN_NAMES
    assert host.set_aside == ()
    assert host.complete
    found = only(host.broken_packages())
    assert (found.name, found.version) == ("other", "1.0")
    assert str(found.error).startswith(f"{info}: {told}")


def test_metadata_that_is_a_file_does_no_harm(site: Site) -> None:
    (site.folder / "other-1.0.dist-info").write_text("Name: other\nVersion: 1.0\n")
    host = PluginHost(PluginRules())

    assert [one.name for one in host.load("vLLM")] == ["vLLM"]
    assert str(only(host.broken_packages()).error).endswith(": it is not a folder")


@pytest.mark.parametrize(
    "points", [b"[turnout]\nno equals sign\n", b"[turnout]\n\xff = x\n"]
)
def test_a_plugin_with_broken_metadata_is_set_aside(site: Site, points: bytes) -> None:
    add(site, "other-1.0.dist-info", points=points)
    app = App(Config())

    app.load_all()

    aside = only(list(app.set_aside))
    assert (aside.name, aside.distribution, aside.version) == ("other", "other", "1.0")
    assert "its entry_points.txt cannot be read: " in str(aside.error)
    assert not app.host.complete
    assert app.host.broken_packages() == []


def test_the_commands_name_what_is_broken(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    add(site, "other-1.0.dist-info", points=UNPARSED)

    assert run(["plugins"]) == 0

    told = capsys.readouterr().out
    line = next(line for line in told.splitlines() if line.startswith("other "))
    assert "other 1.0" in line
    assert "set aside: " in line
    assert "OpenAI" in told


@pytest.mark.ci  # `doctor` asks the embedded model.
def test_doctor_names_what_is_broken(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    add(site, "other-1.0.dist-info", points=UNPARSED)

    run(["doctor", "--offline"])

    told = capsys.readouterr().out
    line = next(line for line in told.splitlines() if "package other" in line)
    assert line.startswith("warning")
    assert "its entry_points.txt cannot be read" in line


STALE = b"[turnout]\nGone = turnout_gone\n"


def test_a_second_installation_of_turnout_is_not_used(site: Site) -> None:
    add(
        site,
        "turnout-0.0.1.dist-info",
        metadata=b"Name: turnout\nVersion: 0.0.1\n",
        points=STALE,
    )
    host = PluginHost(PluginRules())

    host.load_all()

    assert sorted(plugin.name for plugin in host.plugins) == OWN_NAMES
    assert host.set_aside == ()
    found = only(host.broken_packages())
    assert (found.name, found.version) == ("turnout", "0.0.1")
    assert f"turnout {VERSION} in " in str(found.error)
    assert str(found.error).endswith(" is used; remove the other one")


def test_what_pip_could_not_remove_is_not_used(site: Site) -> None:
    add(
        site,
        "~urnout-0.0.1.dist-info",
        metadata=b"Name: turnout\nVersion: 0.0.1\n",
        points=STALE,
    )

    assert App(Config()).provider("vLLM", {}).info.name == "vLLM"


def plugin(
    site: Site, version: str, *, points: str = "Good = good", record: str | None = None
) -> None:
    """Install a version of the plugin whose module is there."""
    info = add(
        site,
        f"good-{version}.dist-info",
        metadata=f"Name: good\nVersion: {version}\n".encode(),
        points=f"[turnout]\n{points}\n".encode(),
    )
    if record is not None:
        (info / "RECORD").write_text(record)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(None, id="none"),
        pytest.param("good_gone.py,sha256=x,12\n", id="of files that are gone"),
        pytest.param("good.py,sha256=x,1\n", id="of files that were replaced"),
    ],
)
def test_the_installation_whose_files_are_there_is_used(
    site: Site, record: str | None
) -> None:
    site.add("good", GOOD, "Good")
    size = (site.folder / "good.py").stat().st_size
    record_of_good = site.folder / "good-1.0.dist-info" / "RECORD"
    record_of_good.write_text(f"good.py,sha256=x,{size}\ngood-1.0.dist-info/RECORD,,\n")
    for version in ("0.5", "2.0"):
        plugin(site, version, points="Gone = good_gone", record=record)
    host = PluginHost(PluginRules())

    host.load_all()

    assert [str(one) for one in host.load("Good")] == ["good 1.0"]
    assert host.load("Gone") == []
    assert host.set_aside == ()
    assert {one.version for one in host.broken_packages()} == {"0.5", "2.0"}


def test_an_editable_installation_is_used_beside_one_without_files(site: Site) -> None:
    site.add("good", GOOD, "Good")
    record = "__editable__good.pth,sha256=x,5\ngood-1.0.dist-info/RECORD,,\n"
    (site.folder / "good-1.0.dist-info" / "RECORD").write_text(record)
    plugin(site, "2.0", points="Gone = good_gone", record="good_gone.py,sha256=x,5\n")

    assert [str(one) for one in PluginHost(PluginRules()).load("Good")] == ["good 1.0"]


def test_a_record_that_cannot_be_read_counts_for_nothing(site: Site) -> None:
    site.add("good", GOOD, "Good")
    plugin(site, "2.0", points="Gone = good_gone")
    (site.folder / "good-2.0.dist-info" / "RECORD").write_bytes(b"\xff")

    assert [str(one) for one in PluginHost(PluginRules()).load("Good")] == ["good 1.0"]


def test_of_two_that_are_alike_the_later_version_is_used(site: Site) -> None:
    site.add("good", GOOD, "Good")
    for version in ("1.10", "1.9"):
        plugin(site, version)

    assert [str(one) for one in PluginHost(PluginRules()).load("Good")] == ["good 1.10"]


def test_of_two_folders_the_first_is_used(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("good", GOOD, "Good")
    other = Site(tmp_path / "later", monkeypatch)
    monkeypatch.setattr(sys, "path", [str(site.folder), *sys.path])
    plugin(other, "3.0")

    assert [str(one) for one in PluginHost(PluginRules()).load("Good")] == ["good 1.0"]


CONTEXT = DistributionFinder.Context()


class Odd(Distribution):
    """A distribution that is not in a folder."""

    def read_text(self, filename: str) -> str | None:
        if filename == "entry_points.txt":
            raise OSError("the archive is gone")
        return None

    def locate_file(self, path: object) -> Path:
        return Path("/nowhere")


def test_a_distribution_that_is_not_in_a_folder_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Finder(DistributionFinder):
        def find_distributions(
            self, context: DistributionFinder.Context = CONTEXT
        ) -> list[Distribution]:
            return [Odd()]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    host = PluginHost(PluginRules())

    host.load_all()

    assert "vLLM" in [plugin.name for plugin in host.plugins]
    aside = only(list(host.set_aside))
    assert aside.distribution == "?"
    assert str(aside.error).endswith("OSError: the archive is gone")


def test_a_finder_that_fails_does_no_harm(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Finder(DistributionFinder):
        def find_distributions(
            self, context: DistributionFinder.Context = CONTEXT
        ) -> list[Distribution]:
            raise ValueError("broken")

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])

    assert App(Config()).provider("vLLM", {}).info.name == "vLLM"


def test_entry_points_that_may_not_be_read_may_have_plugins(site: Site) -> None:
    info = add(site, "other-1.0.dist-info")
    (info / "entry_points.txt").unlink()
    (info / "entry_points.txt").symlink_to("entry_points.txt")
    host = PluginHost(PluginRules())

    assert [one.name for one in host.load("vLLM")] == ["vLLM"]
    assert [one.name for one in host.set_aside] == ["other"]


def test_without_turnouts_own_metadata_the_error_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(Config())
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])

    with pytest.raises(LookupError) as caught:
        app.provider("vLLM", {})

    assert str(caught.value) == (
        "unknown provider 'vLLM'; turnout's own plugins are not found, as its metadata "
        "is missing; reinstall it, or see docs/frozen.md if this is a frozen program"
    )


def test_what_is_not_known_of_a_distribution_is_a_question_mark() -> None:
    assert identity(None) == ("?", "?")
