/* tests/lib/fuzz_main: runs a fuzz target over the files of the folders it is given, without
 * libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return 1;
    }
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    if (!data) abort();
    size_t got = fread(data, 1, size > 0 ? (size_t)size : 0, f);
    fclose(f);
    printf("%s\n", path); /* the last line printed names the input that crashed */
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, got);
    free(data);
    return 0;
}

static int run_folder(const char *folder, int *n)
{
    DIR *d = opendir(folder);
    if (!d) return 0; /* a target without crashes has no regress folder */
    int failed = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char *path = NULL;
        if (e->d_name[0] == '.') continue;
        if (asprintf(&path, "%s/%s", folder, e->d_name) < 0) abort();
        failed += run_file(path);
        *n += 1;
        free(path);
    }
    closedir(d);
    return failed;
}

int main(int argc, char **argv)
{
    int n = 0, failed = 0;
    for (int i = 1; i < argc; i++)
        failed += run_folder(argv[i], &n);
    /* A target without any seed has tested nothing. */
    if (!n) failed = n = 1;
    printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n", 100 * (n - failed) / n, n, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
