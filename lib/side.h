/*
 * The two ends of the trip.  Every rule is written once, for a side and its other side.
 */
#ifndef RT_SIDE_H
#define RT_SIDE_H

enum rt_side {
    RT_EXTERNAL = 0, /* the platform, for example EverTrue */
    RT_NATIVE = 1    /* the institution's database of record */
};

static inline enum rt_side rt_side_other(enum rt_side side)
{
    return side == RT_EXTERNAL ? RT_NATIVE : RT_EXTERNAL;
}

/* "external" or "native": the word in settings, file names and reports. */
static inline const char *rt_side_name(enum rt_side side)
{
    return side == RT_EXTERNAL ? "external" : "native";
}

#endif
