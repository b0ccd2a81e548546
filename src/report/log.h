/*
 * log.h: entries of ledgers, for people or programs.
 *
 *	struct pb_log_report l = PB_LOG_REPORT_INIT;
 *	pb_log_add(&l, "host", entry, json);	// for each; the entry is not kept
 *	pb_log_write(&buf, &l, &opts, json);	// in the order of their times
 *	pb_log_release(&l);
 */
#ifndef PB_REPORT_LOG_H
#define PB_REPORT_LOG_H

#include "ledger/ledger.h"
#include "report/report.h"

struct pb_log_item;

struct pb_log_report {
    struct pb_log_item *v;
    size_t n, cap;
};
#define PB_LOG_REPORT_INIT \
    {                      \
        NULL, 0, 0         \
    }

void pb_log_add(struct pb_log_report *l, const char *name, const struct pb_ledger_entry *e);
void pb_log_release(struct pb_log_report *l);

void pb_log_text(struct pb_buf *b, struct pb_log_report *l, const struct pb_report_opts *o);
/* {"format_version": "1.0", "entries": [{"ledger", "hash", "entry"}]}: `entry` as it stands in
 * the ledger, `hash` its leaf hash. */
void pb_log_json(struct pb_buf *b, struct pb_log_report *l);

#endif
