# The front door; CMake does the work. Try `make help`.
V ?= release
NAME ?=
F ?=
S ?= 60
T ?=
.DEFAULT_GOAL := build

build: deps ## build/tidemill
	@tools/build $(V)

demo: build ## from the trips to a served, monitored model (stays on a terminal)
	@build/tidemill demo --home build/demo-home --bundle examples/nyc_taxi

run: build ## a server on 127.0.0.1:5000 over ./.tidemill
	@build/tidemill server

test: ## everything that must hold: lint, unit, sanitizers, fuzz, page, end to end
	@tools/deps test
	@tests/run

unit: ## the C tests: make unit V=asan T=csv
	@tools/deps test
	@tools/build $(V) all
	@ctest --preset $(V) -j2 $(if $(T),-R $(T))

fuzz: ## the fuzz targets: make fuzz F=http_request S=600
	@tools/deps test
	@tests/fuzz/run -s $(S) $(F)

bench: ## our speed beside the peers': make bench NAME=http
	@tools/deps bench
	@tools/build release
	@build/venv/bin/python bench/run $(NAME)

golden: ## make the golden files again from the reference libraries
	@tools/deps test
	@for f in tests/golden/*.py; do echo $$f && build/venv/bin/python $$f || exit 1; done
	@git diff --stat -- tests/golden

lint: ## rooms, limits, format, clang-tidy, cppcheck
	@tools/deps test
	@tools/lint

format: ## let clang-format decide the looks
	@tools/deps test
	@git ls-files -co --exclude-standard 'src/*.[ch]' 'tests/*.[ch]' | xargs clang-format -i
	@tools/rooms --draw docs/architecture.md

deps:
	@tools/deps build

clean: ## all that was built; the download cache stays
	@rm -rf build compile_commands.json ui/dist ui/node_modules

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: build demo run test unit fuzz bench golden lint format deps clean help
