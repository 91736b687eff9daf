/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_ports.h: ports for clerk_verify that need nobody: a Clerk that says
 * what it was told to say, a cache in memory, a clock that stands still.
 */
#ifndef UNIT_PORTS_H
#define UNIT_PORTS_H

#include "unit_api.h"

#include "clerk_verify.h"

#define UNIT_NOW APR_INT64_C(1785000000) /* seconds */
#define UNIT_ANSWERS 4
#define UNIT_ENTRIES 16

/* What Clerk says to one call. */
typedef struct unit_answer_t {
    const char *path;      /* how the URL must end */
    clerk_status_t status; /* of the port */
    int http;
    const char *body;
    int retry_after;
} unit_answer_t;

typedef struct unit_entry_t {
    unsigned char key[CLERK_SHA256_BYTES];
    clerk_slice_t bytes;
    apr_time_t expires;
} unit_entry_t;

typedef struct unit_world_t {
    apr_pool_t *p;
    clerk_ports_t ports;
    clerk_terms_t terms;
    clerk_verdict_t verdict;
    unit_answer_t script[UNIT_ANSWERS];
    int calls; /* made so far */
    unit_entry_t entries[UNIT_ENTRIES];
    int count; /* of entries */
    int gets;
    int sets;
    int events;
    clerk_event_t event; /* the last one */
} unit_world_t;

static apr_time_t unit_clock;

static inline apr_time_t unit_now(void)
{
    return unit_clock;
}

static inline int unit_ends_with(const char *text, const char *end)
{
    apr_size_t len = strlen(text);

    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static inline clerk_status_t unit_fetch(void *self, const clerk_call_t *call,
                                        apr_pool_t *p, clerk_answer_t *answer)
{
    unit_world_t *world = self;
    const unit_answer_t *said;

    if (world->calls >= UNIT_ANSWERS || !world->script[world->calls].path) {
        fail_msg("unexpected call %d: %s", world->calls + 1, call->url);
        return CLERK_INTERNAL;
    }
    said = &world->script[world->calls++];
    if (!unit_ends_with(call->url, said->path)) {
        fail_msg("call %d: %s, not %s", world->calls, call->url, said->path);
    }
    assert_ptr_equal(call->route, &world->terms.realm.route);
    answer->retry_after = said->retry_after;
    if (said->status == CLERK_OK) {
        answer->http = said->http;
        answer->body = unit_text(p, said->body);
        answer->content_type = "application/json";
        unit_have_it_read(call, answer);
    }
    return said->status;
}

static inline unit_entry_t *unit_entry(unit_world_t *world,
                                       const unsigned char *key)
{
    int i;

    for (i = 0; i < world->count; i++) {
        if (memcmp(world->entries[i].key, key, CLERK_SHA256_BYTES) == 0) {
            return &world->entries[i];
        }
    }
    return NULL;
}

/* Like a real one it does not look at the clock too closely. */
static inline clerk_status_t unit_get(void *self, const unsigned char *key,
                                      apr_pool_t *p, clerk_slice_t *bytes)
{
    unit_world_t *world = self;
    unit_entry_t *entry = unit_entry(world, key);

    world->gets++;
    if (!entry) {
        return CLERK_INTERNAL;
    }
    *bytes = unit_exact(p, entry->bytes.ptr, entry->bytes.len);
    return CLERK_OK;
}

static inline void unit_set(void *self, const unsigned char *key,
                            clerk_slice_t bytes, apr_time_t expires,
                            apr_pool_t *p)
{
    unit_world_t *world = self;
    unit_entry_t *entry = unit_entry(world, key);

    (void)p;
    world->sets++;
    if (!entry) {
        assert_true(world->count < UNIT_ENTRIES);
        entry = &world->entries[world->count++];
    }
    memcpy(entry->key, key, CLERK_SHA256_BYTES);
    entry->bytes = unit_exact(world->p, bytes.ptr, bytes.len);
    entry->expires = expires;
}

static inline void unit_called(void *self, const clerk_event_t *event)
{
    unit_world_t *world = self;

    world->events++;
    world->event = *event;
    assert_non_null(event->endpoint);
    assert_non_null(event->answer);
}

/* A realm that introspects, an open policy, a cache, and a silent Clerk. */
static inline unit_world_t *unit_world(apr_pool_t *p)
{
    unit_world_t *world = apr_pcalloc(p, sizeof(*world));
    clerk_terms_t *terms = &world->terms;

    world->p = p;
    world->ports.fetch.self = world;
    world->ports.fetch.call = unit_fetch;
    world->ports.cache.self = world;
    world->ports.cache.get = unit_get;
    world->ports.cache.set = world->ports.cache.set_refusal = unit_set;
    world->ports.log.self = world;
    world->ports.log.called = unit_called;
    world->ports.now = unit_now;

    terms->realm.frontend_api = "https://clerk.example.test";
    terms->realm.backend_api = "https://api.clerk.com/v1";
    terms->realm.client_id = "id";
    terms->realm.client_secret = "secret";
    terms->realm.secret_key = "sk_test_x";
    terms->policy.accepts = CLERK_KIND_OAUTH;
    terms->policy.leeway = 5;
    terms->cache_ttl = 60;
    terms->negative_ttl = 10;
    assert_int_equal(clerk_realm_finish(&terms->realm, p), CLERK_OK);
    unit_clock = apr_time_from_sec(UNIT_NOW);
    return world;
}

/* What Clerk shall say next, as a port's status or an HTTP answer. */
static inline void unit_say(unit_world_t *world, const char *path, int http,
                            const char *body)
{
    int i = world->calls;

    while (i < UNIT_ANSWERS && world->script[i].path) {
        i++;
    }
    assert_true(i < UNIT_ANSWERS);
    world->script[i].path = path;
    world->script[i].http = http;
    world->script[i].body = body;
}

/* The verdict is left in the world. */
static inline clerk_status_t unit_verify(unit_world_t *world, const char *text)
{
    clerk_token_t token;
    clerk_status_t status;

    assert_int_equal(clerk_token_from_authorization(
                         apr_pstrcat(world->p, "Bearer ", text, NULL), &token),
                     CLERK_OK);
    memset(&world->verdict, 1, sizeof(world->verdict));
    status = clerk_verify(&world->ports, &world->terms, &token, world->p,
                          &world->verdict);
    assert_int_equal(world->verdict.identity != NULL, status == CLERK_OK);
    return status;
}

#endif
