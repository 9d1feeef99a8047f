/* home, inside the room: the owner's socket and the threads behind it, one a connection.
 * Thread-safe. */
#ifndef TIDEMILL_HOME_DOOR_INT_H
#define TIDEMILL_HOME_DOOR_INT_H

#include "base/err.h"
#include "db/db.h"

typedef struct door door;

/* door_open listens on path and serves relay. Owner: the caller. */
MUST_CHECK err door_open(const char *path, const db_relay *relay, door **ret);
/* door_free ends the connections, whatever they are doing, and removes the socket. NULL is a no-op.
 */
void door_free(door *d);

#endif
