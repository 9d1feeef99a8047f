/* base/banned: libc functions that this project does without; calling one is a compile error that
 * says so.
 *
 * The build forces this header into every file (-include). The declarations come first, so that
 * later includes of them are empty; the macros take arguments, so that a library's parameter may
 * still be named "rand". What to use instead stands beside each. */
#ifndef TIDEMILL_BASE_BANNED_H
#define TIDEMILL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(f) f##_is_banned_see_base_banned_h

#undef strcpy
#define strcpy(a, b) BANNED(strcpy) /* buf_*, str_fmt */
#undef strcat
#define strcat(a, b) BANNED(strcat)
#undef strncpy
#define strncpy(a, b, n) BANNED(strncpy)
#undef strncat
#define strncat(a, b, n) BANNED(strncat)
#undef sprintf
#define sprintf(...) BANNED(sprintf) /* str_fmt, buf_fmt */
#undef vsprintf
#define vsprintf(a, f, v) BANNED(vsprintf)
#undef strtok
#define strtok(a, b) BANNED(strtok) /* str_cut */
#undef atoi
#define atoi(a) BANNED(atoi) /* parse_i64, parse_f64 */
#undef atol
#define atol(a) BANNED(atol)
#undef atof
#define atof(a) BANNED(atof)
#undef localtime
#define localtime(t) BANNED(localtime) /* civil_of_ms, time_print */
#undef gmtime
#define gmtime(t) BANNED(gmtime)
#undef ctime
#define ctime(t) BANNED(ctime)
#undef rand
#define rand() BANNED(rand) /* rng */
#undef srand
#define srand(n) BANNED(srand)
#undef system
#define system(a) BANNED(system) /* proc_start */

#endif
