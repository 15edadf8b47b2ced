#include "lib/intake_internal.h"

#include "lib/json_of.h"
#include "lib/review.h"

#include <stdio.h>
#include <stdlib.h>

#define SUBJECT_SIZE 64

/*
 * R9: rows that a person must look at.  They are judged at the end of the file, so that a good row
 * of the same record counts for as much in front of them as behind them.  A row that leads to no
 * record stands on the review list by itself: what it says is nowhere else in the state.
 */

void rt_intake_add_flaw(struct rt_intake *in, enum rt_flaw flaw, const struct rt_slice id[2],
                        int64_t line, const char *rows)
{
    struct rt_flawed *flawed;

    in->flawed = rt_xgrow(in->flawed, in->flawed_count, sizeof *in->flawed);
    flawed = &in->flawed[in->flawed_count++];
    *flawed = (struct rt_flawed){
        .flaw = flaw, .line = line, .rows = rt_arena_strdup(&in->file_arena, rows)};
    for (int s = 0; s < 2; s++)
        flawed->id[s] = rt_arena_dup(&in->file_arena, id[s]);
}

/* ---- rows without a record ---- */

static struct rt_digest digest_of_pair(const struct rt_slice id[2])
{
    struct rt_hasher *hasher = rt_hasher_new();
    struct rt_digest digest;

    rt_hasher_add(hasher, id[RT_EXTERNAL]);
    rt_hasher_add(hasher, id[RT_NATIVE]);
    digest = rt_hasher_end(hasher);
    rt_hasher_free(hasher);
    return digest;
}

/* One item an ID, however often it comes; a clash is about a pair.  Without one, one item a row. */
static void write_subject(const struct rt_intake *in, enum rt_kind kind,
                          const struct rt_slice id[2], int64_t line, char subject[SUBJECT_SIZE])
{
    enum rt_side of = id[in->side].len ? in->side : rt_side_other(in->side);
    struct rt_digest digest = kind == RT_KIND_CLASH ? digest_of_pair(id) : rt_digest_of(id[of]);

    if (id[of].len == 0)
        snprintf(subject, SUBJECT_SIZE, "f%lld:%lld", (long long)in->file.id, (long long)line);
    else
        snprintf(subject, SUBJECT_SIZE, "i%d%d:%016llx%016llx", in->side, of,
                 (unsigned long long)digest.high, (unsigned long long)digest.low);
}

int rt_intake_list_rows(struct rt_intake *in, const struct rt_question *question,
                        const struct rt_slice id[2], int64_t line, struct rt_err *err)
{
    json_t *detail = json_pack("{s:o, s:o, s:o}", "external_id", rt_json_of_text(id[RT_EXTERNAL]),
                               "native_id", rt_json_of_text(id[RT_NATIVE]), "rows",
                               json_loads(question->rows, JSON_ALLOW_NUL, NULL));
    char subject[SUBJECT_SIZE], *text = json_dumps(detail, JSON_COMPACT);
    struct rt_item item = {.kind = rt_kind_text(question->kind)->name,
                           .subject = subject,
                           .side = (int)in->side,
                           .file = in->file.id,
                           .line = line,
                           .opened = in->work->rules.now,
                           .detail = text};
    int rc = rt_intake_is_dismissed(in, question, NULL, err);

    write_subject(in, question->kind, id, line, subject);
    if (rc == 0)
        rc = rt_store_put_item(in->work->store, &item, err);
    json_decref(detail);
    free(text);
    return rc < 0 ? -1 : rc == 0;
}

/* ---- their records ---- */

/* A question about rows that can be read stays: what they say would be lost.  What could not be
 * read is replaced by a row that can. */
static bool keeps_question(enum rt_flaw open, enum rt_flaw flaw)
{
    return open != RT_FLAW_NONE && open != flaw &&
           !(open == RT_FLAW_REJECTED && flaw == RT_FLAW_CLASH);
}

/* 1: the record waits for a clash of other IDs of this side, whose row would be lost; 0, -1. */
static int has_other_clash(struct rt_intake *in, const struct rt_flawed *flawed,
                           const struct rt_record *record, struct rt_err *err)
{
    struct rt_item item;
    json_t *detail, *row;
    const char *side;
    int rc;

    if (flawed->flaw != RT_FLAW_CLASH || record->end[in->side].flaw != RT_FLAW_CLASH)
        return 0;
    rc = rt_book_open_item(in->work, record, RT_KIND_CLASH, &in->row_arena, &item, err);
    if (rc != 1)
        return rc;
    detail = rt_json_of_detail(item.detail);
    row = json_object_get(detail, "rows");
    side = json_string_value(json_object_get(row, "side"));
    rc = side != NULL && strcmp(side, rt_side_name(in->side)) == 0 &&
         !(rt_slice_is_equal(rt_json_slice_of(json_object_get(row, "external_id")),
                             flawed->id[RT_EXTERNAL]) &&
           rt_slice_is_equal(rt_json_slice_of(json_object_get(row, "native_id")),
                             flawed->id[RT_NATIVE]));
    json_decref(detail);
    return rc;
}

/* The record waits for a person, or for a newer row.  One that waits for another reason keeps it:
 * the row stands by itself then. */
static int freeze(struct rt_intake *in, const struct rt_flawed *flawed,
                  const struct rt_question *question, struct rt_record *record, struct rt_err *err)
{
    struct rt_end *end = &record->end[in->side];
    int rc;

    rt_rid_set_add(&in->seen, record->rid);
    if (rt_end_is_ahead(end, in->file.stamp))
        return 0;
    rc = rt_intake_is_dismissed(in, question, end, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = has_other_clash(in, flawed, record, err);
    if (rc < 0)
        return -1;
    in->counts.frozen++;
    if (rc == 1 || keeps_question(end->flaw, flawed->flaw))
        return rt_intake_list_rows(in, question, flawed->id, flawed->line, err) < 0 ? -1 : 0;
    rt_end_set_flaw(end, flawed->flaw, in->file.stamp);
    return rt_book_save_rows(in->work, record, NULL, question, err);
}

static int judge(struct rt_intake *in, const struct rt_flawed *flawed, struct rt_err *err)
{
    struct rt_question question = {flawed->flaw == RT_FLAW_CLASH ? RT_KIND_CLASH : RT_KIND_REJECTED,
                                   flawed->rows};
    struct rt_found found = {.at = {NULL, NULL}};
    int rc = 0;

    rt_arena_reset(&in->row_arena);
    if (flawed->id[0].len || flawed->id[1].len)
        rc = rt_book_find(in->work, flawed->id, in->side, &in->row_arena, &found, err);
    if (rc == 0 && found.at[0] == NULL && found.at[1] == NULL)
        return rt_intake_list_rows(in, &question, flawed->id, flawed->line, err) < 0 ? -1 : 0;
    for (int s = 0; s < 2 && rc == 0; s++)
        if (found.at[s] != NULL && (s == 0 || found.at[0] != found.at[s]))
            rc = freeze(in, flawed, &question, found.at[s], err);
    return rc;
}

/* A rejected row of a record that waits for another reason stands by itself: so clashes go first.
 */
int rt_intake_judge_flaws(struct rt_intake *in, struct rt_err *err)
{
    for (int clashes = 1; clashes >= 0; clashes--)
        for (size_t i = 0; i < in->flawed_count; i++)
            if ((in->flawed[i].flaw == RT_FLAW_CLASH) == clashes &&
                judge(in, &in->flawed[i], err) < 0)
                return -1;
    return 0;
}

/* ---- what a file settles ---- */

/* Looks for the records of the item's row. */
static int find_records(struct rt_intake *in, const json_t *detail, struct rt_found *found,
                        struct rt_err *err)
{
    struct rt_slice id[2] = {rt_json_slice_of(json_object_get(detail, "external_id")),
                             rt_json_slice_of(json_object_get(detail, "native_id"))};

    rt_arena_reset(&in->row_arena);
    *found = (struct rt_found){.at = {NULL, NULL}};
    return id[0].len || id[1].len ? rt_book_find(in->work, id, in->side, &in->row_arena, found, err)
                                  : 0;
}

/* The record that the side showed, in whichever file; or NULL. */
static struct rt_record *shown(const struct rt_found *found, int side)
{
    for (int s = 0; s < 2; s++)
        if (found->at[s] != NULL && found->at[s]->end[side].look.stamp != RT_NEVER)
            return found->at[s];
    return NULL;
}

/* A row that came with the question, in its own file, is no answer to it. */
static bool is_answered(const struct rt_record *record, const struct rt_item *item, int64_t stamp)
{
    const struct rt_look *look = &record->end[item->side].look;

    return look->stamp > stamp || (look->stamp == stamp && look->file != item->file);
}

/* 1: all records that the row names wait for an answer about it. */
static int ask_all(struct rt_intake *in, const struct rt_item *item, const struct rt_found *found,
                   int64_t stamp, struct rt_err *err)
{
    int all = 1;

    for (int s = 0; s < 2; s++) {
        int rc = found->at[s] ? rt_book_ask(in->work, found->at[s], item, stamp, err) : 1;

        if (rc < 0)
            return -1;
        all = all && rc;
    }
    return all && (found->at[0] || found->at[1]);
}

/* 1: the record that the side showed waits for one, or the first of them. */
static int ask_one(struct rt_intake *in, const struct rt_item *item, const struct rt_found *found,
                   int64_t stamp, struct rt_err *err)
{
    const struct rt_record *record = shown(found, item->side);
    int rc = 0;

    for (int s = 0; s < 2 && rc == 0; s++)
        if (found->at[s] != NULL && (record == NULL || record == found->at[s]))
            rc = rt_book_ask(in->work, found->at[s], item, stamp, err);
    return rc;
}

/* 1: the record of the item's row answers for it.  A record that its side has shown in older files
   only, or never, waits like any other with a flawed row; with a clash, both do.  It may be the
   other side's file that makes it known. */
static int ask_record(struct rt_intake *in, const struct rt_item *item, int64_t stamp,
                      struct rt_err *err)
{
    json_t *detail = rt_json_of_detail(item->detail);
    struct rt_record *record;
    struct rt_found found;
    int rc = find_records(in, detail, &found, err);

    record = shown(&found, item->side);
    if (rc == 0 && record != NULL && is_answered(record, item, stamp))
        rc = 1;
    else if (rc == 0)
        rc = (strcmp(item->kind, rt_kind_text(RT_KIND_CLASH)->name) == 0 ? ask_all : ask_one)(
            in, item, &found, stamp, err);
    json_decref(detail);
    return rc;
}

/* Settled by a row of its record, by a snapshot, and by its own rows, fetched from rejects/. */
static int settle_row(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct rt_intake *in = context;
    struct rt_file file;
    char *ours;
    int rc;

    if (item->rid != 0 || item->file == in->file.id)
        return 0;
    rc = rt_store_file_by_id(in->work->store, item->file, &in->file_arena, &file, err);
    if (rc != 1)
        return rc;
    ours = rt_rejects_name(&file);
    rc = item->side == (int)in->side && file.stamp <= in->file.stamp &&
         (in->file.is_snapshot || strcmp(ours, in->file.name) == 0);
    free(ours);
    if (rc == 0)
        rc = ask_record(in, item, file.stamp, err);
    if (rc != 1)
        return rc;
    return rt_store_close_item(in->work->store, item->kind, item->subject, "settled by later files",
                               err);
}

int rt_intake_settle_rows(struct rt_intake *in, struct rt_err *err)
{
    static const enum rt_kind kinds[] = {RT_KIND_REJECTED, RT_KIND_REPEATED, RT_KIND_CLASH};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (rt_store_each_item(in->work->store, rt_kind_text(kinds[i])->name, settle_row, in, err) <
            0)
            return -1;
    return 0;
}
