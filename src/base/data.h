/*
 * data.h: where the files are that are shipped with plumb (schemas/): in PLUMB_DATA_DIR, then
 * beside the program, then where it was installed.
 */
#ifndef PB_BASE_DATA_H
#define PB_BASE_DATA_H

/* Of "schemas/echoes.yaml" or a folder. What is nowhere has the path where it should be. Caller
 * frees. */
char *pb_data_path(const char *name);

#endif
