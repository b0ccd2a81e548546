/*
 * Runs one program in plumb's sandbox, for tests and for people who wonder what it sees.
 *
 *	boxtry [--network HOST:PORT]... [--memory MIB] [--disk MIB] [--processes N] [--time MS]
 *	       [--read PATH]... [--write PATH]... [--dir DIR] [--out FILE] -- PROGRAM ARGUMENT...
 *
 * PROGRAM is an absolute path; its environment is ours without what it must not have (HOME, PATH
 * and TMPDIR are the sandbox's). Its output is in FILE (both kinds), or shown when it has ended.
 * Exits with its code; 125 with plumb's message when plumb ended or refused it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/strv.h"

enum { PLUMB = 125, OUTPUT_MAX = 1 << 24 };

struct options {
    struct pb_sandbox box;
    struct pb_strv network, readable, writable, env;
    const char *dir, *out;
};

static void parse(struct options *o, int argc, char **argv)
{
    static const struct option all[] = {{"network", 1, NULL, 'n'}, {"memory", 1, NULL, 'm'},
                                        {"disk", 1, NULL, 'd'},    {"processes", 1, NULL, 'p'},
                                        {"time", 1, NULL, 't'},    {"read", 1, NULL, 'r'},
                                        {"write", 1, NULL, 'w'},   {"dir", 1, NULL, 'c'},
                                        {"out", 1, NULL, 'o'},     {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "+", all, NULL)) != -1) {
        switch (c) {
        case 'n': pb_strv_add(&o->network, optarg); break;
        case 'm': o->box.memory_mib = strtol(optarg, NULL, 10); break;
        case 'd': o->box.disk_mib = strtol(optarg, NULL, 10); break;
        case 'p': o->box.processes = strtol(optarg, NULL, 10); break;
        case 't': o->box.time_ms = strtol(optarg, NULL, 10); break;
        case 'r': pb_strv_add(&o->readable, optarg); break;
        case 'w': pb_strv_add(&o->writable, optarg); break;
        case 'c': o->dir = optarg; break;
        case 'o': o->out = optarg; break;
        default: exit(PLUMB);
        }
    }
    if (optind == argc) {
        fprintf(stderr, "boxtry: no program\n");
        exit(PLUMB);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.dir = "/"};
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *work = NULL, *own = NULL;
    struct pb_err err = PB_ERR_INIT;
    struct pb_sandbox_run *run;
    struct pb_child_status st = {0};
    int rc;

    parse(&o, argc, argv);
    for (char **p = environ; *p; p++)
        pb_strv_add(&o.env, *p);
    pb_strv_setenv(&o.env, "HOME", pb_sandbox_home);
    pb_strv_setenv(&o.env, "PATH", "/usr/bin:/bin");
    pb_strv_setenv(&o.env, "TMPDIR", "/tmp");
    if (pb_work_new(&work, &err))
        return PLUMB;
    own = pb_fs_join(work, "out");
    o.box.network = o.network.v;
    struct pb_sandbox_view view = {
        .subject = "it", .readable = o.readable.v, .writable = o.writable.v};
    struct pb_child_spec spec = {.argv = argv + optind,
                                 .env = o.env.v,
                                 .dir = o.dir,
                                 .out_path = o.out ? o.out : own,
                                 .err_path = o.out ? o.out : own};
    rc = pb_sandbox_start(&run, &o.box, &view, &spec, &err);
    if (rc == 0)
        rc = pb_sandbox_wait(&st, run, NULL, NULL, &err);
    if (!o.out && pb_fs_read(&text, own, OUTPUT_MAX, NULL) == 0)
        fwrite(text.s, 1, text.len, stdout);
    if (rc)
        fprintf(stderr, "boxtry: %s\n", err.msg);
    pb_strv_release(&o.env);
    pb_strv_release(&o.network);
    pb_strv_release(&o.readable);
    pb_strv_release(&o.writable);
    pb_work_remove_all();
    return rc ? PLUMB : st.exited ? st.code : 128 + st.signal;
}
