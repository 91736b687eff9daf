/*
 * The main of a fuzz target where there is no libFuzzer: feeds it every file
 * that is named, and every file in a folder that is named. `make check`
 * replays the seeds with it.
 *
 * Each input is handed over in a block of exactly its own size, so that
 * valgrind and the address sanitizer see a read past its end. Having fed
 * nothing is a failure: a mistyped folder must not look like success.
 */

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int feed_file(const char *path, const apr_finfo_t *info, apr_pool_t *p)
{
    apr_file_t *file;
    apr_size_t len = (apr_size_t)info->size;
    uint8_t *data;
    apr_status_t rv;

    rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                       APR_FPROT_OS_DEFAULT, p);
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return -1;
    }
    data = malloc(len ? len : 1);
    if (data == NULL
        || (len && apr_file_read_full(file, data, len, NULL) != APR_SUCCESS)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(data);
        return -1;
    }
    apr_file_close(file);

    /* Said first, and unbuffered: if the target dies, this is its last word. */
    fprintf(stderr, "# replaying %s (%lu bytes)\n", path, (unsigned long)len);
    LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 1;
}

/* The number of inputs fed, or -1. */
static int feed_folder(const char *path, apr_pool_t *p)
{
    apr_dir_t *dir;
    apr_finfo_t info;
    int fed = 0;

    if (apr_dir_open(&dir, path, p) != APR_SUCCESS) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return -1;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        const char *file = apr_pstrcat(p, path, "/", info.name, NULL);

        if (info.name[0] == '.') {
            continue;
        }
        if (apr_stat(&info, file, APR_FINFO_TYPE | APR_FINFO_SIZE, p)
                != APR_SUCCESS
            || info.filetype != APR_REG || feed_file(file, &info, p) < 0) {
            fed = -1;
            break;
        }
        fed++;
    }
    apr_dir_close(dir);
    return fed;
}

static int feed(const char *path, apr_pool_t *p)
{
    apr_finfo_t info;

    if (apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_SIZE, p)
        != APR_SUCCESS) {
        fprintf(stderr, "%s: no such file or folder\n", path);
        return -1;
    }
    if (info.filetype == APR_DIR) {
        return feed_folder(path, p);
    }
    return feed_file(path, &info, p);
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    int total = 0;
    int i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 1; i < argc; i++) {
        int fed = feed(argv[i], pool);

        if (fed < 0) {
            return EXIT_FAILURE;
        }
        total += fed;
    }
    apr_pool_destroy(pool);
    apr_terminate();

    printf("%d inputs replayed\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
