/* tests/lib/relay_server: the owner's side of the relay for tests of the db room: a thread that
 * accepts, and one for each connection. */
#ifndef TIDEMILL_TEST_RELAY_SERVER_H
#define TIDEMILL_TEST_RELAY_SERVER_H

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/db.h"
#include "test.h"

enum { RELAY_SERVER_CONNECTIONS = 256 };

typedef struct relay_server {
    db_relay relay;
    int fd;
    pthread_t thread;
    struct relay_server_connection {
        struct relay_server *server;
        int fd;
        pthread_t thread;
    } connections[RELAY_SERVER_CONNECTIONS];
    size_t n;
} relay_server;

static inline void *relay_server_connection_main(void *arg)
{
    struct relay_server_connection *c = arg;
    db_relay_serve(&c->server->relay, c->fd);
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static inline void *relay_server_main(void *arg)
{
    relay_server *s = arg;
    for (int fd; (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        if (s->n == RELAY_SERVER_CONNECTIONS) abort();
        struct relay_server_connection *c = &s->connections[s->n++];
        c->server = s;
        c->fd = fd;
        if (pthread_create(&c->thread, NULL, relay_server_connection_main, c)) abort();
    }
    return NULL;
}

static inline relay_server *relay_server_new(const db_relay *relay, const char *path)
{
    relay_server *s = mem_new(1, sizeof *s);
    s->relay = *relay;
    ck_ok(db_relay_listen(path, &s->fd));
    ck_assert(!pthread_create(&s->thread, NULL, relay_server_main, s));
    return s;
}

static inline void relay_server_free(relay_server *s)
{
    shutdown(s->fd, SHUT_RDWR); /* ends accept */
    pthread_join(s->thread, NULL);
    for (size_t i = 0; i < s->n; i++) {
        shutdown(s->connections[i].fd, SHUT_RDWR);
        pthread_join(s->connections[i].thread, NULL);
        close(s->connections[i].fd);
    }
    close(s->fd);
    mem_free(s);
}

#endif
