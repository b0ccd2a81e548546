# plumb: one non-recursive Makefile.
#
#   make            build/plumb
#   make check      bootstrap, build, every test        make demo    bootstrap, build, a guided tour
#   make lint       layers, banned words, lengths       make bench   speed against Terraform; BENCH=--quick
#   make asan       unit and end-to-end tests with ASan and UBSan
#   make clang      everything with clang, warnings are errors
#   make fuzz       every tests/fuzz/fuzz_*.c for FUZZ_SECONDS each
#   make install    PREFIX=/usr/local, DESTDIR=         make format  apply .clang-format
#
# Objects live in build/<config>/; only the program of the plain config is left at build/plumb.
# Sources are found by wildcard: to add one, add the file. Everything but src/main.c goes into
# libplumb.a, which the tests link.

CONFIG       ?= release
PREFIX       ?= /usr/local
DESTDIR      ?=
WERROR       ?=
FUZZ_SECONDS ?= 60
BENCH        ?=
JOBS         ?= $(shell nproc 2>/dev/null || echo 2)

DATADIR := $(PREFIX)/share/plumb
B       := build/$(CONFIG)
GEN     := $(B)/gen

ifeq ($(CONFIG),release)
PROGRAM := build/plumb
else
PROGRAM := $(B)/plumb
endif

ifeq ($(origin CC),default)
CC := gcc
endif
ifneq ($(filter clang fuzz,$(CONFIG)),)
override CC := clang
endif

# ---- flags --------------------------------------------------------------------------------------

# First the one with the most names of its own: each is looked for in this order at every start.
PKGS := libcrypto libgit2 yajl libcurl yaml-0.1 libpcre2-8 expat \
        libprotobuf-c libnghttp2 msgpack
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# These are loaded when they are wanted: src/observe/curl.h, src/git/git2.h
PKG_LIBS   := $(shell pkg-config --libs $(filter-out libcurl libgit2,$(PKGS)) 2>/dev/null)
PKG_ERROR  := $(shell pkg-config --print-errors --exists $(PKGS) 2>&1 || echo missing)

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
            -Wwrite-strings -Wcast-qual -Wformat=2 -Wimplicit-fallthrough
ifneq ($(WERROR)$(filter clang,$(CONFIG)),)
WARNINGS += -Werror
endif

HARDEN_C  := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
HARDEN_LD := -pie -Wl,-z,relro,-z,now
# A library that a program does not call is not loaded when it starts.
# One function of ours is found by a library, by its name: src/git/repo.c
LINK_ALL  := -Wl,--as-needed -Wl,--export-dynamic-symbol=mbedtls_x509_crt_parse_file
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

ifeq ($(CONFIG),asan)
OPT := -O1 -g $(SANITIZE)
LINK_OPT := $(SANITIZE)
else ifeq ($(CONFIG),fuzz)
OPT := -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link -DPB_FUZZING=1
LINK_OPT := $(SANITIZE)
else
OPT := -O2 -g $(HARDEN_C)
LINK_OPT := $(HARDEN_LD)
endif

# -pthread belongs to compiling and linking. banned.h turns unsafe functions into errors.
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -pthread -Isrc -I. -I$(GEN) $(WARNINGS) $(OPT) \
              -include src/base/banned.h $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS   := $(LINK_ALL) $(PKG_LIBS) -pthread -lm

# ---- sources ------------------------------------------------------------------------------------

LIB_SRC := $(filter-out src/main.c, $(wildcard src/*.c src/*/*.c \
           backends/*.c backends/*/*.c backends/*/*/*.c))
TEST_SUPPORT_SRC := $(wildcard tests/support/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
TOOL_SRC := $(wildcard tests/tools/*.c)
PROTO := $(wildcard backends/*/*.proto)
PROTO_C := $(patsubst %.proto,$(GEN)/%.pb-c.c,$(PROTO))
PROTO_H := $(PROTO_C:.c=.h)
PROTO_OBJ := $(patsubst %.proto,$(B)/obj/%.pb-c.o,$(PROTO))
SIMCLOUD_SRC := $(wildcard fixtures/sim/simcloud/*.c)
SIMPROV_SRC := $(wildcard fixtures/sim/provider/*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB  := $(B)/libplumb.a
TLIB := $(B)/libtest.a
UNIT_BIN  := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
FUZZ_BIN  := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
BENCH_BIN := $(patsubst %.c,$(B)/%,$(BENCH_SRC))
TOOL_BIN := $(patsubst %.c,$(B)/%,$(TOOL_SRC))
BAD_DISK := $(B)/tests/crash/disk.so
SIMCLOUD := $(B)/fixtures/sim/simcloud
# Laid out as Terraform wants a filesystem mirror.
SIM_ARCH := $(patsubst x86_64,amd64,$(patsubst aarch64,arm64,$(shell uname -m)))
SIMPROV  := $(B)/fixtures/sim/mirror/registry.terraform.io/example/sim/1.0.0/linux_$(SIM_ARCH)/$(strip \
            )terraform-provider-sim_v1.0.0
ALL_OBJ := $(call obj,src/main.c $(LIB_SRC) $(TEST_SUPPORT_SRC) $(UNIT_SRC) $(BENCH_SRC) $(TOOL_SRC) \
           $(SIMCLOUD_SRC) $(SIMPROV_SRC)) $(if $(filter fuzz,$(CONFIG)),$(call obj,$(FUZZ_SRC))) $(PROTO_OBJ)

.PHONY: all tests tools sim objects bench-programs check demo bench lint asan clang fuzz fuzz-programs \
        install uninstall clean format bootstrap FORCE
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: $(if $(wildcard src/main.c),$(PROGRAM),$(LIB))
tests: $(UNIT_BIN) $(TOOL_BIN) $(BAD_DISK) sim
tools: $(TOOL_BIN)
sim: $(SIMCLOUD) $(SIMPROV)
objects: $(ALL_OBJ)
bench-programs: $(BENCH_BIN)
fuzz-programs: $(FUZZ_BIN)

# ---- generated, rewritten only when the content changes, so that a commit rebuilds one object ---

write_if_changed = mkdir -p $(@D); printf '%s\n' $(1) >$@.new; \
                   if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(GEN)/version.h: FORCE
	@v=$$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null) || \
	v=0.0.0-$$(git describe --always --dirty 2>/dev/null || echo unknown); \
	$(call write_if_changed,"#define PLUMB_VERSION \"$${v#v}\"")

$(GEN)/paths.h: FORCE
	@$(call write_if_changed,'#define PLUMB_DATADIR "$(DATADIR)"')

# Style and script of the HTML report, as arrays of bytes: they are ASCII.
PAGE_SRC := src/report/page.css src/report/page.js
$(GEN)/report/page.h: $(PAGE_SRC) Makefile
	@mkdir -p $(@D)
	@for f in $(PAGE_SRC); do \
	    printf 'static const char pb_page_%s[] = {\n' "$${f##*.}"; \
	    od -An -v -tu1 "$$f" | sed 's/[0-9][0-9]*/&,/g'; \
	    echo '0};'; \
	done >$@

$(B)/flags: FORCE
	@$(call write_if_changed,'$(CC) $(ALL_CFLAGS)')

# ---- rules --------------------------------------------------------------------------------------

ifneq ($(PKG_ERROR),)
$(ALL_OBJ): missing-libraries
.PHONY: missing-libraries
missing-libraries:
	@pkg-config --print-errors --exists $(PKGS) || true
	@echo "plumb: libraries to build with are missing: run scripts/bootstrap" >&2; exit 1
endif

# foo.proto becomes "backends/.../foo.pb-c.h" in the generated tree, which is on the include path.
# What protoc-c writes is not held to our warnings.
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: %.proto
	@mkdir -p $(GEN)
	protoc-c --proto_path=. --c_out=$(GEN) $<

$(PROTO_OBJ): $(B)/obj/%.o: $(GEN)/%.c $(B)/flags | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -w -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.c $(B)/flags | $(GEN)/version.h $(GEN)/paths.h $(GEN)/report/page.h $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(call obj,$(LIB_SRC)) $(PROTO_OBJ)
	@mkdir -p $(@D); rm -f $@
	ar rcsD $@ $^

$(TLIB): $(call obj,$(TEST_SUPPORT_SRC))
	@mkdir -p $(@D); rm -f $@
	ar rcsD $@ $^

$(PROGRAM): $(call obj,src/main.c) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(TLIB) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LINK_OPT) $(LDFLAGS) -o $@ $^ -lcmocka $(ALL_LIBS)

$(B)/tests/bench/%: $(B)/obj/tests/bench/%.o $(TLIB) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(B)/tests/tools/%: $(B)/obj/tests/tools/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

# Preloaded into plumb: without what plumb is instrumented with.
$(BAD_DISK): tests/crash/disk.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O2 -fPIC -shared -o $@ $< -ldl

$(SIMCLOUD): $(call obj,$(SIMCLOUD_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LINK_OPT) $(LDFLAGS) -o $@ $^ -lmicrohttpd $(ALL_LIBS)

# libcurl itself, before the library's way of loading it.
$(SIMPROV): $(call obj,$(SIMPROV_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LINK_OPT) $(LDFLAGS) -o $@ $(filter %.o,$^) -lcurl $(LIB) -lssl $(ALL_LIBS)

$(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LINK_OPT) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

-include $(ALL_OBJ:.o=.d)

# ---- targets that people call -------------------------------------------------------------------

# A second make sees the libraries that bootstrap has just installed.
again = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

bootstrap:
	@scripts/bootstrap

check: bootstrap
	@+$(again) all tests
	@scripts/check --config $(CONFIG)

demo: bootstrap
	@echo 'building plumb: a minute or two the first time'
	@+$(again) -s all sim
	@scripts/demo

bench: bootstrap
	@+$(again) all bench-programs
	@tests/bench/run $(BENCH)

lint:
	@scripts/lint

asan:
	@+$(again) CONFIG=asan all tests
	@scripts/check --config asan unit e2e live

clang:
	@+$(again) CONFIG=clang all tests objects

fuzz:
	@+$(again) CONFIG=fuzz fuzz-programs
	@scripts/fuzz --seconds $(FUZZ_SECONDS)

format:
	@git ls-files -z -- '*.c' '*.h' | xargs -0 -r clang-format -i

# The man page and the completions come from the command table of the program itself.
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(DATADIR)
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/plumb
	find schemas -type d -exec install -d '$(DESTDIR)$(DATADIR)/{}' \;
	find schemas -type f -exec install -m 644 '{}' '$(DESTDIR)$(DATADIR)/{}' \;
	scripts/install-docs $(PROGRAM) $(DESTDIR)$(PREFIX)/share

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/plumb
	rm -rf $(DESTDIR)$(DATADIR)
	scripts/install-docs --remove $(DESTDIR)$(PREFIX)/share

clean:
	rm -rf build
