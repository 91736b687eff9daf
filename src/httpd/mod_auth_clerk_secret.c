/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_secret.h"

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_signal.h>
#include <apr_thread_proc.h>
#include <http_core.h>

#include "clerk_crypto.h"
#include "clerk_slice.h"

#define SECRET_MAX 16384 /* bytes: a PEM key, and room to spare */
#define EXEC "exec:"
#define EXEC_TIME apr_time_from_sec(30) /* that a program may take */
#define PLACEHOLDER "not-read-during-the-rehearsal"

typedef const char *reader_fn(cmd_parms *cmd, const char *where, char **text);

/* The arguments of a program are often credentials themselves. */
static const char *fault(cmd_parms *cmd, const char *form, const char *where,
                         const char *what)
{
    int len =
        (int)(strcmp(form, EXEC) == 0 ? strcspn(where, " \t") : strlen(where));

    if (!*form) {
        return apr_psprintf(cmd->pool, "%s: the secret %s", cmd->cmd->name,
                            what);
    }
    return apr_psprintf(cmd->pool, "%s: the secret of '%s%.*s' %s",
                        cmd->cmd->name, form, len, where, what);
}

static const char *because(cmd_parms *cmd, const char *what, apr_status_t rv)
{
    char reason[120];

    return apr_pstrcat(cmd->temp_pool, what, ": ",
                       apr_strerror(rv, reason, sizeof(reason)), NULL);
}

/* Everything up to the end of the file; NULL if it is too long. */
static char *drain(apr_file_t *file, apr_pool_t *p, apr_status_t *rv)
{
    char *text = apr_palloc(p, SECRET_MAX + 1);
    apr_size_t len = 0;

    *rv = apr_file_read_full(file, text, SECRET_MAX + 1, &len);
    if (*rv != APR_SUCCESS && !APR_STATUS_IS_EOF(*rv)) {
        return NULL;
    }
    *rv = APR_SUCCESS;
    if (len > SECRET_MAX) {
        *rv = APR_ENOSPC;
        return NULL;
    }
    text[len] = '\0';
    return text;
}

static const char *read_file(cmd_parms *cmd, const char *path, char **text)
{
    apr_file_t *file;
    apr_status_t rv;

    if (*path != '/') {
        return fault(cmd, "file:", path,
                     "cannot be read: the path must "
                     "begin with '/'");
    }
    rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_OS_DEFAULT,
                       cmd->temp_pool);
    if (rv == APR_SUCCESS) {
        *text = drain(file, cmd->temp_pool, &rv);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS) {
        return fault(cmd, "file:", path, because(cmd, "cannot be read", rv));
    }
    return NULL;
}

static const char *read_env(cmd_parms *cmd, const char *name, char **text)
{
    char *value;

    if (apr_env_get(&value, name, cmd->temp_pool) != APR_SUCCESS) {
        return fault(cmd, "env:", name,
                     "cannot be read: there is no such environment variable");
    }
    /* The environment itself is not ours to wipe: it is read again. */
    *text = apr_pstrdup(cmd->temp_pool, value);
    return NULL;
}

static apr_status_t start(char **argv, apr_pool_t *p, apr_proc_t *process)
{
    apr_procattr_t *attributes;
    apr_status_t rv;

    if ((rv = apr_procattr_create(&attributes, p)) != APR_SUCCESS
        || (rv = apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK,
                                     APR_NO_PIPE))
               != APR_SUCCESS
        || (rv = apr_procattr_error_check_set(attributes, 1)) != APR_SUCCESS
        || (rv = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV))
               != APR_SUCCESS) {
        return rv;
    }
    return apr_proc_create(process, argv[0], (const char *const *)argv, NULL,
                           attributes, p);
}

/* Wait for a program's end, and bring it about at the deadline. */
static apr_status_t await_end(apr_proc_t *process, apr_time_t deadline,
                              int *exit_code)
{
    apr_exit_why_e why;

    while (apr_proc_wait(process, exit_code, &why, APR_NOWAIT)
           == APR_CHILD_NOTDONE) {
        if (apr_time_now() >= deadline) {
            apr_proc_kill(process, SIGKILL);
            apr_proc_wait(process, exit_code, &why, APR_WAIT);
            return APR_TIMEUP;
        }
        apr_sleep(apr_time_from_msec(10));
    }
    if (!APR_PROC_CHECK_EXIT(why)) {
        *exit_code = -1;
    }
    return APR_SUCCESS;
}

/* Run a program without a shell and collect what it prints. */
static apr_status_t run(char **argv, apr_pool_t *p, char **text, int *exit_code)
{
    apr_time_t deadline = apr_time_now() + EXEC_TIME;
    apr_proc_t process;
    apr_status_t rv;
    apr_status_t end;

    rv = start(argv, p, &process);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_file_pipe_timeout_set(process.out, EXEC_TIME);
    *text = drain(process.out, p, &rv);
    apr_file_close(process.out);
    end = await_end(&process, rv == APR_SUCCESS ? deadline : 0, exit_code);
    return rv != APR_SUCCESS ? rv : end;
}

/* A normal start reads the configuration once only to see if it can. */
static int is_rehearsal(void)
{
    return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_NORMAL
           && ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;
}

static const char *read_exec(cmd_parms *cmd, const char *command, char **text)
{
    char **argv;
    apr_status_t rv;
    int exit_code = 0;

    if (*command != '/'
        || apr_tokenize_to_argv(command, &argv, cmd->temp_pool)
               != APR_SUCCESS) {
        return fault(cmd, EXEC, command,
                     "cannot be read: the program's "
                     "path must begin with '/'");
    }
    if (is_rehearsal()) {
        *text = apr_pstrdup(cmd->temp_pool, PLACEHOLDER);
        return NULL;
    }
    rv = run(argv, cmd->temp_pool, text, &exit_code);
    if (rv != APR_SUCCESS) {
        return fault(cmd, EXEC, command, because(cmd, "cannot be read", rv));
    }
    if (exit_code != 0) {
        return fault(cmd, EXEC, command,
                     apr_psprintf(cmd->temp_pool,
                                  "cannot be read: the "
                                  "program ended with status %d",
                                  exit_code));
    }
    return NULL;
}

static apr_status_t wipe(void *secret)
{
    clerk_crypto_wipe(secret, strlen(secret));
    return APR_SUCCESS;
}

static const char *keep(cmd_parms *cmd, const char *text)
{
    char *secret = apr_pstrdup(cmd->pool, text);

    apr_pool_cleanup_register(cmd->pool, secret, wipe, apr_pool_cleanup_null);
    return secret;
}

/*
 * The one value among a directive's arguments. What follows `exec:` and the
 * program is for the program, and stays as it is written.
 */
static const char *take_value(cmd_parms *cmd, const char *args,
                              const char **value)
{
    const char *rest = args;

    *value = ap_getword_conf(cmd->temp_pool, &rest);
    if (*args && !*rest) {
        return NULL;
    }
    if (strncmp(*value, EXEC, strlen(EXEC)) == 0) {
        *value = *args == EXEC[0]
                     ? args
                     : apr_pstrcat(cmd->temp_pool, *value, " ", rest, NULL);
        return NULL;
    }
    return apr_psprintf(cmd->pool,
                        "%s: what is not one argument is not accepted; give "
                        "file:/path, env:NAME, exec:/path with arguments, or "
                        "the secret itself, in quotes if it holds a space",
                        cmd->cmd->name);
}

static const char *read_value(cmd_parms *cmd, const char *value,
                              auth_clerk_secret_span_t span,
                              const char **secret)
{
    static const struct {
        const char *form;
        reader_fn *read;
    } forms[] = {
        { "file:", read_file },
        { "env:", read_env },
        { EXEC, read_exec },
    };
    const char *form = "";
    const char *where = "";
    const char *sentence = NULL;
    char *text = apr_pstrdup(cmd->temp_pool, value);
    apr_size_t i;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        apr_size_t len = strlen(forms[i].form);

        if (strncmp(value, forms[i].form, len) == 0) {
            form = forms[i].form;
            where = apr_pstrdup(cmd->temp_pool, value + len);
            sentence = forms[i].read(cmd, where, &text);
            break;
        }
    }
    if (sentence) {
        return sentence;
    }
    if (span == AUTH_CLERK_SECRET_LINE) {
        text[strcspn(text, "\r\n")] = '\0';
    }
    if (!*text) {
        sentence = fault(cmd, form, where, "is empty");
    }
    else if (span == AUTH_CLERK_SECRET_LINE && clerk_slice_has_control(text)) {
        sentence = fault(cmd, form, where, "holds a control character");
    }
    else {
        *secret = keep(cmd, text);
    }
    clerk_crypto_wipe(text, strlen(text));
    return sentence;
}

const char *auth_clerk_secret_read(cmd_parms *cmd, const char *args,
                                   auth_clerk_secret_span_t span,
                                   const char **secret)
{
    const char *value;
    const char *sentence = take_value(cmd, args, &value);

    *secret = NULL;
    return sentence ? sentence : read_value(cmd, value, span, secret);
}

int auth_clerk_secret_is_placeholder(const char *text)
{
    return strcmp(text, PLACEHOLDER) == 0;
}
