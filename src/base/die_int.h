/* base/die: the end of the process where nothing sensible can follow (no memory, no threads, no
 * randomness). Inside base only. */
#ifndef TIDEMILL_BASE_DIE_INT_H
#define TIDEMILL_BASE_DIE_INT_H

/* die writes "tidemill: what: why" to stderr in one write() and aborts, so that a core or a
 * supervisor sees where. Allocates nothing. */
_Noreturn void die(const char *what, const char *why);

#endif
