"""The memory of the machine and of the container."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.training.machine_memory import free_bytes, total_bytes


def test_memory_is_the_least_of_machine_and_container(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       8000 kB\nMemFree: 1 kB\nMemAvailable:   6000 kB\n")
    assert (free_bytes(tmp_path, meminfo), total_bytes(tmp_path, meminfo)) == (6000 * 1024, 8000 * 1024)
    (tmp_path / "memory.max").write_text(str(5000 * 1024))
    (tmp_path / "memory.current").write_text(str(4000 * 1024))
    assert (free_bytes(tmp_path, meminfo), total_bytes(tmp_path, meminfo)) == (1000 * 1024, 5000 * 1024)
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(tmp_path, meminfo) == 6000 * 1024
    assert free_bytes(tmp_path, tmp_path / "none") is None


def test_files_that_a_container_keeps_for_the_next_reader_give_way(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8000 kB\nMemAvailable: 6000 kB\n")
    (tmp_path / "memory.max").write_text(str(5000 * 1024))
    (tmp_path / "memory.current").write_text(str(4000 * 1024))
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {3000 * 1024}\n")
    assert free_bytes(tmp_path, meminfo) == 4000 * 1024


def test_the_older_files_of_a_container(tmp_path: Path) -> None:
    meminfo, folder = tmp_path / "meminfo", tmp_path / "memory"
    meminfo.write_text("MemTotal: 8000 kB\nMemAvailable: 6000 kB\n")
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(str(3000 * 1024))
    (folder / "memory.usage_in_bytes").write_text(str(1000 * 1024))
    assert (free_bytes(tmp_path, meminfo), total_bytes(tmp_path, meminfo)) == (2000 * 1024, 3000 * 1024)
    (folder / "memory.limit_in_bytes").write_text("9223372036854771712")  # no limit
    assert free_bytes(tmp_path, meminfo) == 6000 * 1024
