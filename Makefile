# The book's commands. Each sets up the virtual environment itself.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PROFILE := .venv/ipython/profile_default/ipython_kernel_config.py

# The kernels of this environment, and no start-up file of the user's.
export JUPYTER_PATH := $(CURDIR)/.venv/share/jupyter
export IPYTHONDIR := $(CURDIR)/.venv/ipython
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# NumPy's threads wait for each other by spinning. Notebooks that run side by side have no core to spare for that.
export OPENBLAS_NUM_THREADS := 1
# Without what Python keeps of a first import, every notebook would compile TensorFlow and Keras anew: six seconds.
unexport PYTHONDONTWRITEBYTECODE

# An environment whose interpreter is gone (an upgrade of the system, a copy of the folder) is none.
ifneq (there,$(shell $(BIN)/python -c '' 2>/dev/null && echo there))
$(shell rm -f $(READY))
endif

# A killed make tells nobody: what may run for long is told with whom it has to end.
GUARDED := exec $(BIN)/python tools/processes.py $$PPID $(BIN)/python

.DELETE_ON_ERROR:
.PHONY: help setup venv book pdf slides what quick test notebooks address lab record verdicts places pins course grade clean

help:
	@echo "make book    run every notebook and build the HTML book in _build/html"
	@echo "make pdf     print the built book to _build/book.pdf; needs Chromium or Chrome"
	@echo "make slides  make the slides of the lectures from the built book, in _build/slides/"
	@echo "make what    list the pages that 'make book' would run, and why"
	@echo "make quick   style, and the unit tests that your change touches, in under a minute"
	@echo "make test    style, unit tests, and every notebook on the bundled pictures, with no network"
	@echo "make notebooks  write the notebooks in the form in which they are stored, without outputs"
	@echo "make address URL=https://github.com/OWNER/REPOSITORY  set the public address of the book; URL= takes it back"
	@echo "make lab     open JupyterLab on the notebooks"
	@echo "make record  run the experiments that are missing from results/; DATA=original: the map on the original CIFAR-10"
	@echo "make verdicts  list every verdict of the built book, with the tables behind it"
	@echo "make places  run every notebook in every place where readers run the book, and measure it"
	@echo "make course  make the assignments: a zip for students and one for teachers, in _build/course/"
	@echo "make grade ASSIGNMENT=NAME SUBMISSIONS=FOLDER  grade them in isolation; INTO=FOLDER for the results"
	@echo "make pins    write constraints.txt anew after a change in a requirement file"
	@echo "make clean   remove what was built"

setup: $(READY) $(PROFILE)
	$(GUARDED) -m tlbook fetch

# It holds what was installed. A copy of the folder, or a branch and back, gives files new times and needs no network.
$(READY): requirements.txt requirements-dev.txt constraints.txt pyproject.toml
	@cat $^ | cmp -s - $@ || $(MAKE) --no-print-directory venv
	@cat $^ > $@

# Modules are compiled when they are first imported: compiling all of them, most never used, takes pip a minute.
venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The book needs Python 3.11 or newer, and this is %s. Try: make book PYTHON=python3.11" % sys.version.split()[0])'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --no-compile -r requirements-dev.txt

$(PROFILE): tools/ipython_kernel_config.py $(READY)
	mkdir -p $(@D)
	cp $< $@

book: setup
	$(GUARDED) tools/build_book.py

pdf: $(READY)
	$(BIN)/python tools/book_pdf.py

slides: $(READY)
	$(BIN)/python tools/slides.py

what: $(READY)
	$(BIN)/python tools/build_book.py --dry-run

verdicts: $(READY)
	$(BIN)/python tools/verdicts.py

quick: $(READY)
	$(BIN)/python tools/quick.py

notebooks: $(READY)
	$(BIN)/python tools/store_notebooks.py

# Only what stands on the command line counts: without it, the address is shown and not taken back.
address: $(READY)
	$(BIN)/python tools/address.py $(if $(findstring command,$(origin URL)),'$(URL)')
	$(BIN)/python tools/store_notebooks.py

# Not a target-specific `export`: setup would inherit it, and setup may need the network.
BUNDLED := env -u TLBOOK_MIRROR TLBOOK_DATA=emoji10 TLBOOK_OFFLINE=1
# What runs side by side shares the cores: two notebooks with a thread for every core each take a tenth longer.
SHARED := TF_NUM_INTRAOP_THREADS=$$($(BIN)/python -c 'import joblib; print(max(1, joblib.cpu_count() // 2))')
# A test often waits, for another process or for the disk: with memory to spare, 3 workers on two cores are done sooner.
WORKERS ?= 2

test: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BUNDLED) $(SHARED) $(BIN)/pytest -n $(WORKERS) --dist worksteal
	$(BUNDLED) $(SHARED) $(BIN)/pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 -n $(WORKERS) --dist loadscope notebooks/

lab: setup
	$(BIN)/jupyter lab notebooks

record: setup
	$(GUARDED) -m experiments $(if $(findstring command,$(origin DATA)),--data '$(DATA)')

places: setup
	$(GUARDED) tools/places.py $(PLACES) $(if $(NOTEBOOKS),--notebooks $(NOTEBOOKS))

course: $(READY)
	$(BIN)/python -m course.build

# An interrupted grading goes on from where it stopped. FLAGS=--without-isolation: course/README.md says what it risks.
grade: $(READY)
	$(BIN)/python -m course.grade "$(ASSIGNMENT)" "$(SUBMISSIONS)" $(if $(INTO),--into "$(INTO)") $(FLAGS)

pins: setup
	(head -n 1 constraints.txt; $(BIN)/pip freeze --all --exclude-editable --exclude pip) > .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

clean:
	rm -rf _build .pytest_cache .ruff_cache
