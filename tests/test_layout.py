"""Tests mirror the source: `tests/lake/test_delta.py` tests `src/mlops_lab/lake/delta.py`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "mlops_lab"

NOT_MIRRORED = {"end_to_end", "shared", "docs", "tools"}
"""Folders of tests that are about more than one module."""
SUITES = {
    "features/test_as_of.py": "as-of values, offline and online, beside a program written from the definition",
    "features/test_corrections.py": "corrected facts, offline and online, beside the versions seen last",
    "features/test_derived.py": "derived features of one row and of many",
    "loop/test_interleavings.py": "several processes that decide, act, follow and are killed, in any order",
    "loop/test_rollout_states.py": "rollouts, whatever their days show, whoever interferes, wherever the loop is killed",
    "notebook/test_autolog.py": "mlflow.autolog around train",
    "registry/engines/test_adding_an_engine.py": "the steps of CONTRIBUTING.md",
    "registry/test_hostile_packages.py": "packages made to do harm, with a signature and without",
    "training/test_models.py": "every estimator of docs/models.md",
}
"""Tests about a property of several modules, beside the conformance suites."""
ABOUT_THE_REPOSITORY = {"test_layout.py", "test_dependencies.py", "test_exported_members.py"}

COVERED_ELSEWHERE: dict[str, str] = {
    "ci/champion_recipe.py": "ci/test_validate.py",
    "ci/figures.py": "ci/test_validate.py",
    "ci/github.py": "ci/test_write.py",
    "ci/gitlab.py": "ci/test_write.py",
    "ci/plan.py": "ci/test_write.py",
    "ci/pre_commit.py": "ci/test_write.py",
    "ci/scratch.py": "ci/test_validate.py",
    "ci/validation.py": "ci/test_report.py",
    "cli/ci.py": "end_to_end/test_ci_commands.py",
    "cli/records/ci.py": "end_to_end/test_ci_commands.py",
    "cli/validate.py": "end_to_end/test_ci_commands.py",
    "doctor/checks/version.py": "doctor/test_check_conformance.py",
    "doctor/live.py": "doctor/test_check_conformance.py",
    "exporters/commands.py": "tools/test_dagster.py",
    "exporters/azureml/export.py": "tools/test_azureml.py",
    "exporters/evidently/export.py": "tools/test_evidently.py",
    "exporters/kedro/export.py": "tools/test_kedro.py",
    "exporters/metaflow/export.py": "tools/test_metaflow.py",
    "exporters/lakefs/export.py": "tools/test_lakefs.py",
    "exporters/pachyderm/export.py": "tools/test_pachyderm.py",
    "exporters/tecton/export.py": "tools/test_tecton.py",
    "exporters/phoenix/export.py": "tools/test_phoenix.py",
    "exporters/whylogs/export.py": "tools/test_whylogs.py",
    "exporters/sagemaker/export.py": "tools/test_sagemaker.py",
    "exporters/vertex/export.py": "tools/test_vertex.py",
    "lake/stored_tables.py": "lake/test_delta.py",
    "replay/demo.py": "end_to_end/test_demo.py",
    "serving/protocols/cloud.py": "serving/protocols/test_vertex.py",
    "serving/process/health_check.py": "end_to_end/test_images.py",
    "lake/copy_notes.py": "lake/test_mirror.py",
    "exporters/bentoml/export.py": "tools/test_bentoml.py",
    "exporters/kserve/export.py": "tools/test_kserve.py",
    "exporters/mlflow/export.py": "tools/test_mlflow.py",
    "exporters/mlserver/export.py": "tools/test_mlserver.py",
    "inference/table_scorer.py": "end_to_end/test_score.py",
    "exporters/kubernetes/engines.py": "exporters/kubernetes/test_export.py",
    "cli/ab.py": "end_to_end/test_ab.py",
    "cli/compare.py": "end_to_end/test_tune.py",
    "replay/past_requests.py": "replay/test_backtest.py",
    "replay/simulation.py": "replay/test_backtest.py",
    "cli/config.py": "end_to_end/test_config.py",
    "cli/contract.py": "end_to_end/test_contract.py",
    "cli/demo.py": "end_to_end/test_demo.py",
    "cli/diagnose.py": "loop/test_diagnose.py",
    "cli/docs.py": "lineage/documents/test_documents_conformance.py",
    "cli/env.py": "end_to_end/test_images.py",
    "cli/image.py": "end_to_end/test_images.py",
    "cli/explain.py": "end_to_end/test_commands.py",
    "cli/export.py": "exporters/test_exporter_conformance.py",
    "cli/features.py": "end_to_end/test_features_command.py",
    "cli/forget.py": "end_to_end/test_upkeep_commands.py",
    "cli/gc.py": "end_to_end/test_upkeep_commands.py",
    "cli/hold.py": "end_to_end/test_upkeep_commands.py",
    "cli/records/erasures.py": "end_to_end/test_upkeep_commands.py",
    "cli/records/upkeep.py": "end_to_end/test_upkeep_commands.py",
    "cli/learn.py": "cli/test_learn_session.py",
    "cli/learn_texts.py": "cli/test_learn_session.py",
    **{
        f"learn/labs/{name}.py": "learn/labs/test_lab_conformance.py"
        for name in (
            *("catalog", "days", "git", "lab", "project", "scores", "work"),
            *("ab_test/lab", "on_call/lab", "moved_project/lab"),
            *("nightly_retrain/lab", "notebook_to_service/lab", "planted_skew/lab", "planted_skew/skews"),
        )
    },
    "cli/records/labs.py": "cli/test_lab.py",
    "cli/learn_tour.py": "end_to_end/test_tour.py",
    "learn/handout/notebook_check.py": "learn/handout/test_nbgrader.py",
    "learn/handout/folder.py": "learn/handout/test_archive.py",
    "learn/tour/demo.py": "end_to_end/test_tour.py",
    "learn/tour/questions.py": "end_to_end/test_tour.py",
    "learn/catalog.py": "learn/test_exercise_conformance.py",
    "learn/exercise.py": "learn/test_exercise_conformance.py",
    "learn/checking.py": "learn/test_verdict.py",
    "learn/grader.py": "learn/test_verdict.py",
    "learn/guard.py": "learn/test_verdict.py",
    "learn/image_mounts.py": "learn/test_image_build.py",
    "learn/image_programs.py": "learn/test_image_build.py",
    "learn/image_stage.py": "learn/test_image_build.py",
    "learn/process.py": "learn/test_verdict.py",
    "learn/course.py": "learn/test_teaching.py",
    "learn/topics.py": "learn/test_document.py",
    "learn/folder.py": "learn/test_lessons.py",
    "learn/learner_file.py": "learn/labs/test_state.py",
    "learn/progress.py": "learn/test_lessons.py",
    "cli/ingest.py": "end_to_end/test_commands.py",
    "cli/import_dvc.py": "tools/test_import_dvc.py",
    "cli/init.py": "end_to_end/test_init.py",
    "cli/key.py": "end_to_end/test_json_output.py",
    "cli/main.py": "cli/test_command_conformance.py",
    "cli/page.py": "end_to_end/test_page.py",
    "cli/quarantine.py": "end_to_end/test_contract.py",
    "cli/replay.py": "end_to_end/test_json_output.py",
    "cli/reproduce.py": "end_to_end/test_reproduce.py",
    "cli/rollback.py": "end_to_end/test_turns.py",
    "cli/run.py": "end_to_end/test_commands.py",
    "cli/score.py": "end_to_end/test_score.py",
    "cli/serve.py": "end_to_end/test_commands.py",
    "cli/split.py": "end_to_end/test_routing.py",
    "cli/tick.py": "end_to_end/test_commands.py",
    "cli/token.py": "end_to_end/test_tokens.py",
    "cli/tune.py": "end_to_end/test_tune.py",
    "cli/up.py": "end_to_end/test_up.py",
    "drills/catalog.py": "drills/test_drill_conformance.py",
    "drills/asking.py": "drills/test_drill_conformance.py",
    "drills/faults/dead_server.py": "drills/test_drill_conformance.py",
    "drills/faults/label_flip.py": "drills/test_drill_conformance.py",
    "drills/faults/null_column.py": "drills/test_drill_conformance.py",
    "drills/faults/skewed_feature.py": "drills/test_drill_conformance.py",
    "drills/faults/slow_model.py": "drills/test_drill_conformance.py",
    "drills/faults/stopped_feed.py": "drills/test_drill_conformance.py",
    "drills/faults/tampered_package.py": "drills/test_drill_conformance.py",
    "drills/faults/unit_change.py": "drills/test_drill_conformance.py",
    "drills/ground.py": "drills/test_drill_conformance.py",
    "drills/play.py": "drills/test_drill_conformance.py",
    "drills/run.py": "drills/test_drill_conformance.py",
    "drills/small_disk.py": "drills/test_drill_conformance.py",
    "exporters/environments/conda.py": "exporters/environments/test_export.py",
    "exporters/environments/containers.py": "exporters/environments/test_export.py",
    "exporters/environments/pyproject.py": "exporters/environments/test_export.py",
    "exporters/environments/source.py": "end_to_end/test_images.py",
    "exporters/images/folder.py": "end_to_end/test_images.py",
    "exporters/images/frozen_project.py": "end_to_end/test_images.py",
    "exporters/runs/records.py": "exporters/runs/test_write.py",
    "exporters/tensorboard/export.py": "tools/test_trackers.py",
    "exporters/wandb/export.py": "tools/test_trackers.py",
    "exporters/neptune/export.py": "tools/test_trackers.py",
    "exporters/mlflow_runs/export.py": "tools/test_trackers.py",
    "cli/import_.py": "end_to_end/test_import_mlflow.py",
    "loop/foreign_candidate.py": "end_to_end/test_import_mlflow.py",
    "registry/store/faults.py": "registry/store/test_server_store.py",
    "registry/store/fetch_package.py": "registry/store/test_server_store.py",
    "registry/store/fetched_runs.py": "registry/store/test_server_store.py",
    "registry/store/local_store.py": "registry/store/test_model_registry.py",
    "registry/store/open_registry.py": "registry/store/test_server_store.py",
    "registry/store/project_runs.py": "registry/store/test_server_store.py",
    "registry/store/tracking_faults.py": "registry/store/test_server_store.py",
    "registry/store/run_facts.py": "registry/store/test_model_registry.py",
    "exporters/exporter.py": "exporters/test_exporter_conformance.py",
    "exporters/edge/contents.py": "end_to_end/test_package.py",
    "exporters/edge/export.py": "end_to_end/test_package.py",
    "exporters/prometheus/dashboard.py": "exporters/prometheus/test_export.py",
    "exporters/prometheus/names.py": "exporters/prometheus/test_export.py",
    "intake/batches.py": "intake/test_journal.py",
    "intake/parted_changes.py": "intake/test_parted_table.py",
    "intake/table_data.py": "intake/test_parted_table.py",
    "intake/whole_table.py": "intake/test_sources.py",
    "lineage/documents/held_out_figures.py": "lineage/documents/test_model_card.py",
    "lineage/documents/version_facts.py": "lineage/documents/test_documents_conformance.py",
    "lineage/documents/write.py": "lineage/documents/test_documents_conformance.py",
    "lineage/readiness/evidence.py": "lineage/readiness/test_readiness_conformance.py",
    "lineage/readiness/rubric.py": "lineage/readiness/test_readiness_conformance.py",
    "lineage/readiness/sentences.py": "lineage/readiness/test_readiness_conformance.py",
    "lineage/reproduce/record.py": "end_to_end/test_reproduce.py",
    "lineage/reproduce/reproduce.py": "end_to_end/test_reproduce.py",
    "lineage/reproduce/train_again.py": "end_to_end/test_reproduce.py",
    "lineage/logged_rows.py": "lineage/test_replay.py",
    "lake/reading.py": "lake/test_delta.py",
    "lake/snapshots.py": "lake/test_delta.py",
    "loop/ab_evidence.py": "status/test_ab_report.py",
    "serving/answering/request_totals.py": "serving/answering/test_request_days.py",
    "loop/watch_alerts.py": "loop/test_watch_days.py",
    "loop/decider.py": "loop/test_tick.py",
    "loop/past_days.py": "loop/test_tick.py",
    "loop/people_decider.py": "loop/test_tick.py",
    "loop/gate_input.py": "end_to_end/test_ticks.py",
    "loop/retrain.py": "end_to_end/test_ticks.py",
    "monitoring/detectors/answer_calibration.py": "monitoring/test_measure.py",
    "monitoring/detectors/answer_quality.py": "monitoring/test_measure.py",
    "monitoring/detectors/volume.py": "monitoring/test_measure.py",
    "monitoring/digest_totals.py": "monitoring/test_log_check.py",
    "registry/store/records.py": "registry/store/test_mlmodel.py",
    "registry/runner/readers.py": "registry/test_hostile_packages.py",
    "registry/signing/keyring.py": "registry/signing/test_sign.py",
    "registry/signing/private_keys.py": "registry/signing/test_sign.py",
    "registry/runner/process.py": "registry/engines/test_runner.py",
    "rollout/journal_positions.py": "intake/test_journal_faults.py",
    "runtime/restore.py": "runtime/test_backup.py",
    "scoring/score.py": "end_to_end/test_score.py",
    "serving/http/fast_path.py": "end_to_end/test_server_limits.py",
    "serving/http/uvicorn_protocol.py": "end_to_end/test_server_limits.py",
    "cli/rollout.py": "end_to_end/test_json_output.py",
    "serving/process/disk_probe.py": "end_to_end/test_disk.py",
    "serving/process/server_process.py": "end_to_end/test_kill_server.py",
    "serving/process/shadow_runner.py": "end_to_end/test_routing.py",
    "serving/process/tls.py": "end_to_end/test_tls.py",
    "serving/process/tls_listener.py": "end_to_end/test_tls.py",
    "serving/process/uvicorn_server.py": "end_to_end/test_uvicorn_fallback.py",
    "serving/process/watchdog.py": "end_to_end/test_up.py",
    "serving/process/worker.py": "end_to_end/test_workers.py",
    "serving/protocols/docs.py": "end_to_end/test_openapi.py",
    "serving/protocols/examples.py": "end_to_end/test_openapi.py",
    "serving/protocols/mlflow.py": "end_to_end/test_protocols.py",
    "serving/protocols/open_inference.py": "end_to_end/test_protocols.py",
    "serving/protocols/open_inference_openapi.py": "end_to_end/test_openapi.py",
    "serving/protocols/operations.py": "serving/protocols/test_openapi.py",
    "serving/protocols/predictions.py": "end_to_end/test_server_predict.py",
    "serving/protocols/server.py": "end_to_end/test_prometheus.py",
    "starter/analysis.py": "starter/test_analyse.py",
    "status/describe.py": "end_to_end/test_commands.py",
    "tables/fact_ranges.py": "monitoring/test_looked_up_facts.py",
    "tuning/resume.py": "end_to_end/test_tune.py",
    "tuning/search.py": "end_to_end/test_tune.py",
    "tuning/tracking.py": "end_to_end/test_tune.py",
    "tuning/tune.py": "end_to_end/test_tune.py",
    "registry/store/stored_runs.py": "end_to_end/test_page.py",
    "web/actions.py": "end_to_end/test_page.py",
    "web/app.py": "end_to_end/test_page.py",
    "web/feature_charts.py": "end_to_end/test_page.py",
    "web/guard.py": "end_to_end/test_page.py",
    "web/lineage_graph.py": "end_to_end/test_page.py",
    "web/live.py": "end_to_end/test_page.py",
    "web/page_process.py": "end_to_end/test_page.py",
    "web/quality_chart.py": "end_to_end/test_page.py",
    "web/serve.py": "end_to_end/test_page.py",
    "web/status.py": "end_to_end/test_page.py",
    "web/traffic.py": "end_to_end/test_page.py",
    "web/views/alerts.py": "end_to_end/test_page.py",
    "web/views/data.py": "end_to_end/test_page.py",
    "web/views/features.py": "end_to_end/test_page.py",
    "web/views/history.py": "end_to_end/test_page.py",
    "web/views/models.py": "end_to_end/test_page.py",
    "web/views/now.py": "end_to_end/test_page.py",
    "web/views/predictions.py": "end_to_end/test_page.py",
    "web/views/readiness.py": "end_to_end/test_page.py",
    "web/views/rollout.py": "end_to_end/test_page.py",
    "web/views/runs.py": "end_to_end/test_page.py",
}
"""Modules with logic that a test of another name covers: a test file that runs it."""

MIN_BRANCHES = 3
"""A module with fewer branches (if, for, while, except, comprehension, match) holds declarations, or glue."""


def modules() -> list[str]:
    """All modules of the package, as paths below it; without `__init__` and files that are copied elsewhere."""
    paths = [path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py"))]
    return [
        str(path)
        for path in paths
        if path.name not in {"__init__.py", "__main__.py"} and not {"files", "exercises"} & {*path.parts}
    ]


def branches(module: str) -> int:
    kinds = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case, ast.IfExp, ast.BoolOp)
    return sum(isinstance(node, kinds) for node in ast.walk(ast.parse((SOURCE / module).read_text(encoding="utf-8"))))


def mirror_of(module: str) -> Path:
    path = Path(module)
    return TESTS / path.parent / f"test_{path.name}"


def mirrored_tests() -> list[Path]:
    found = [path.relative_to(TESTS) for path in sorted(TESTS.rglob("test_*.py"))]
    return [path for path in found if path.parts[0] not in NOT_MIRRORED and path.name not in ABOUT_THE_REPOSITORY]


def test_a_module_with_logic_has_a_test() -> None:
    twice = [module for module in modules() if mirror_of(module).exists() and module in COVERED_ELSEWHERE]
    assert twice == [], "they have tests of their own: take them off the list"
    untested = [module for module in modules() if not (mirror_of(module).exists() or module in COVERED_ELSEWHERE)]
    missing = [str(mirror_of(module).relative_to(TESTS)) for module in untested if branches(module) >= MIN_BRANCHES]
    assert missing == [], "write them"


def is_named_after_its_module(test: Path) -> bool:
    module = SOURCE / test.parent / test.name.removeprefix("test_")
    return module.exists() or test.stem.endswith("_conformance") or str(test) in SUITES


def test_a_test_is_named_after_its_module() -> None:
    without = [str(test) for test in mirrored_tests() if not is_named_after_its_module(test)]
    assert without == [], "no module has their name: rename them, or make them suites"


def holds_tests(test: str) -> bool:
    text = (TESTS / test).read_text(encoding="utf-8")
    return re.search(r"^(async )?def test_", text, re.MULTILINE) is not None


def test_what_covers_a_module_exists() -> None:
    gone = [module for module in COVERED_ELSEWHERE if not (SOURCE / module).exists()]
    assert gone == [], "take them off the list"
    empty = [test for test in {*COVERED_ELSEWHERE.values()} if not holds_tests(test)]
    assert empty == [], "they hold no test"


def imported_for_types_only(module: str) -> list[str]:
    """Our own modules that a module imports under `if TYPE_CHECKING:`."""
    text = (SOURCE / module).read_text(encoding="utf-8")
    if "TYPE_CHECKING" not in text:
        return []
    blocks = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    inside = [node for block in blocks for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    return [node.module for node in inside if node.module and node.module.startswith("mlops_lab")]


def test_no_import_for_types_hides_a_circle() -> None:
    hidden = {module: found for module in modules() if (found := imported_for_types_only(module))}
    assert hidden == {}, "import-linter does not see it: move what both need to a third module"
