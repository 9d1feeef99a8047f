/* base/banned: libc functions that this project does without; using one is a compile error. Forced into every file by the build
 * (-include), so it includes the headers that declare them first. What to use instead stands beside each. */
#ifndef TIDEMILL_BASE_BANNED_H
#define TIDEMILL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat /* buf_*, str_fmt */
#pragma GCC poison sprintf vsprintf              /* str_fmt, buf_fmt */
#pragma GCC poison gets strtok                   /* str_cut */
#pragma GCC poison atoi atol atof                /* parse_i64, parse_f64 */
#pragma GCC poison localtime gmtime ctime        /* civil_of_ms, time_print */
#pragma GCC poison rand srand system             /* rng, proc_start */

#endif
