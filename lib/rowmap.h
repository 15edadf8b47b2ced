/*
 * A side's CSV seen through the schema: which column is which field, and each row as a struct
 * rt_row. Pure.  Columns are found by name, in any order; extra ones are ignored and told once.
 */
#ifndef RT_ROWMAP_H
#define RT_ROWMAP_H

#include "lib/csv_reader.h"
#include "lib/digest.h"
#include "lib/merge.h"
#include "lib/schema.h"

struct rt_rowmap;

/*
 * RT_DATA if the header has not every column that the schema maps for this side, or has a mapped
 * one twice: the file is refused.  `name` is for messages.  Caller frees.
 */
int rt_rowmap_new(const struct rt_schema *schema, enum rt_side side,
                  const struct rt_csv_reader *reader, const char *name, struct rt_rowmap **map,
                  struct rt_err *err) RT_MUST_CHECK;
void rt_rowmap_free(struct rt_rowmap *map);

/* Header cells that no field maps, comma-separated; "" if there are none. */
const char *rt_rowmap_ignored(const struct rt_rowmap *map);

/* Why a row is rejected. */
struct rt_row_fault {
    size_t column; /* 1-based; 0: the row as a whole */
    char reason[200];
    bool has_id;         /* an ID could be read: row->id holds those that could */
    bool has_bad_id;     /* an ID could not: it is damaged, or partly empty */
    bool is_spreadsheet; /* an ID of it looks damaged by one */
};

/*
 * Maps a row.  Cells are borrowed from the CSV row, composite IDs live in the arena.  0: row is
 * filled; 1: it is rejected, fault says why, and row->id is filled if fault->has_id.
 */
int rt_rowmap_row(struct rt_rowmap *map, const struct rt_csv_row *csv, struct rt_arena *arena,
                  struct rt_row *row, struct rt_row_fault *fault);

/* The column of a field, 1-based; 0: this side has none. */
size_t rt_rowmap_column(const struct rt_rowmap *map, size_t field);

/* What stands in the cell of a field of type id; len 0 for any other field, and without a column.
 */
struct rt_slice rt_rowmap_id_cell(const struct rt_rowmap *map, const struct rt_csv_row *csv,
                                  size_t field);

/* The cells by field index, for `eligible`: NULL pointers where the side has no such column. */
const struct rt_slice *rt_rowmap_cells(struct rt_rowmap *map, const struct rt_csv_row *csv);

/* The digest of the mapped cells as they came. */
struct rt_digest rt_rowmap_print(struct rt_rowmap *map, const struct rt_csv_row *csv);

/* The row's own ID alone, for a quick look; len 0 if there is none. */
struct rt_slice rt_rowmap_own_id(struct rt_rowmap *map, const struct rt_csv_row *csv,
                                 struct rt_arena *arena);

/* All that gives the raw bytes of a row their meaning: which column is which, and how many. */
struct rt_digest rt_rowmap_fingerprint(const struct rt_rowmap *map,
                                       const struct rt_csv_reader *reader);

#endif
