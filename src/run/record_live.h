/*
 * record_live.h: reality itself under version control. refs/plumb/live/UNIT has a commit for each
 * time that something was seen to have changed:
 *
 *	git log -p refs/plumb/live/UNIT
 *	git diff refs/plumb/live/UNIT~3 refs/plumb/live/UNIT
 *
 * Its tree has a file for each resource. README.md of src/ledger is the format. What could not be
 * seen, as a whole or an attribute of it, keeps what it had; a file goes when its object was
 * proved not to exist, or when no state has it any more. What lives in the state alone
 * (schemas/local-types.yaml) has none. Values that are sensitive by state, plan, schema or pack are
 * "(sensitive)", and so is what contains one of them; what once was so stays so.
 *
 * With a remote the ref is there too, compare-and-swap. Where another machine was faster, what
 * it saw is taken over, and what this one saw is put on top of it.
 */
#ifndef PB_RUN_RECORD_LIVE_H
#define PB_RUN_RECORD_LIVE_H

#include "run/record.h"

#define PB_LIVE_REFS "refs/plumb/live/"

/* What `u->live` says of the unit; resources that it does not mention were not looked at.
 * u->recorded is the state as it is now. Nothing happens for a unit that failed, or when the
 * configuration does not want it. */
int pb_record_live(struct pb_record *r, const struct pb_audit *a, const struct pb_unit_result *u,
                   struct pb_err *err);
/* Every unit of an audit. */
int pb_record_live_all(struct pb_record *r, const struct pb_audit *a, struct pb_err *err);

/* The ref of a unit; the caller frees. */
char *pb_record_live_ref(const char *unit);
/* The path of a resource's file. */
void pb_record_live_path(struct pb_buf *out, const char *address);

/* One resource as a file has it. */
struct pb_record_live_one {
    const char *address, *type;
    const struct pb_value *attributes; /* as seen */
    const struct pb_schema *schema;    /* required: it tells what is a secret */
    const struct pb_value *marks[3];   /* attributes of other sides, for what is sensitive there;
                                             any may be NULL */
    const char *before;                /* the file as it was; or NULL */
    size_t before_len;
};

/* Without what was not seen; an attribute that means the same as before is spelled as before. */
void pb_record_live_file(struct pb_buf *out, const struct pb_record_live_one *one);

#endif
