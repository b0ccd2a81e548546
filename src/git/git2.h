/*
 * git2.h: libgit2, loaded when the first repository is opened.
 *
 * libgit2 brings a dozen libraries along (Kerberos, mbed TLS, ssh), and linking them is more than
 * half of what a short command such as `plumb version` takes. So plumb does not name it among its
 * libraries: each function that is called is a pointer, found when pb_git2_load() is called. Files
 * of this folder include this instead of <git2.h> and notice nothing.
 *
 * A function that is missing here does not link: add it to both lists.
 */
#ifndef PB_GIT_GIT2_H
#define PB_GIT_GIT2_H

#include <git2.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>

#include "base/err.h"

#define PB_GIT2_FUNCTIONS(X)            \
    X(git_blob_create_from_buffer)      \
    X(git_blob_free)                    \
    X(git_blob_lookup)                  \
    X(git_blob_rawcontent)              \
    X(git_blob_rawsize)                 \
    X(git_branch_name_is_valid)         \
    X(git_buf_dispose)                  \
    X(git_checkout_options_init)        \
    X(git_checkout_tree)                \
    X(git_commit_author)                \
    X(git_commit_create)                \
    X(git_commit_free)                  \
    X(git_commit_id)                    \
    X(git_commit_lookup)                \
    X(git_commit_parent)                \
    X(git_commit_parent_id)             \
    X(git_commit_parentcount)           \
    X(git_commit_summary)               \
    X(git_commit_time)                  \
    X(git_commit_tree)                  \
    X(git_commit_tree_id)               \
    X(git_config_free)                  \
    X(git_config_get_string_buf)        \
    X(git_config_iterator_free)         \
    X(git_config_iterator_new)          \
    X(git_config_next)                  \
    X(git_diff_free)                    \
    X(git_diff_get_delta)               \
    X(git_diff_num_deltas)              \
    X(git_diff_options_init)            \
    X(git_diff_status_char)             \
    X(git_diff_tree_to_tree)            \
    X(git_error_last)                   \
    X(git_graph_descendant_of)          \
    X(git_index_add)                    \
    X(git_index_conflict_iterator_free) \
    X(git_index_conflict_iterator_new)  \
    X(git_index_conflict_next)          \
    X(git_index_entrycount)             \
    X(git_index_free)                   \
    X(git_index_get_byindex)            \
    X(git_index_has_conflicts)          \
    X(git_index_new)                    \
    X(git_index_read_tree)              \
    X(git_index_write_tree_to)          \
    X(git_libgit2_init)                 \
    X(git_libgit2_shutdown)             \
    X(git_mempack_new)                  \
    X(git_merge_base)                   \
    X(git_merge_commits)                \
    X(git_merge_options_init)           \
    X(git_object_free)                  \
    X(git_object_id)                    \
    X(git_object_peel)                  \
    X(git_odb_add_backend)              \
    X(git_odb_free)                     \
    X(git_odb_hash)                     \
    X(git_odb_read_header)              \
    X(git_oid_cmp)                      \
    X(git_oid_cpy)                      \
    X(git_oid_equal)                    \
    X(git_oid_fromstr)                  \
    X(git_oid_tostr)                    \
    X(git_reference_create)             \
    X(git_reference_free)               \
    X(git_reference_iterator_free)      \
    X(git_reference_iterator_glob_new)  \
    X(git_reference_lookup)             \
    X(git_reference_name_to_id)         \
    X(git_reference_next_name)          \
    X(git_reference_symbolic_target)    \
    X(git_remote_lookup)                \
    X(git_repository_config_snapshot)   \
    X(git_repository_discover)          \
    X(git_repository_free)              \
    X(git_repository_head_unborn)       \
    X(git_repository_is_shallow)        \
    X(git_repository_odb)               \
    X(git_repository_open_ext)          \
    X(git_repository_path)              \
    X(git_repository_state)             \
    X(git_repository_workdir)           \
    X(git_repository_wrap_odb)          \
    X(git_revparse_single)              \
    X(git_revwalk_free)                 \
    X(git_revwalk_hide)                 \
    X(git_revwalk_new)                  \
    X(git_revwalk_next)                 \
    X(git_revwalk_push)                 \
    X(git_signature_free)               \
    X(git_signature_new)                \
    X(git_signature_now)                \
    X(git_status_byindex)               \
    X(git_status_list_entrycount)       \
    X(git_status_list_free)             \
    X(git_status_list_new)              \
    X(git_status_options_init)          \
    X(git_transaction_commit)           \
    X(git_transaction_free)             \
    X(git_transaction_lock_ref)         \
    X(git_transaction_new)              \
    X(git_transaction_set_target)       \
    X(git_tree_create_updated)          \
    X(git_tree_entry_byindex)           \
    X(git_tree_entry_bypath)            \
    X(git_tree_entry_filemode)          \
    X(git_tree_entry_free)              \
    X(git_tree_entry_id)                \
    X(git_tree_entry_name)              \
    X(git_tree_entry_type)              \
    X(git_tree_entrycount)              \
    X(git_tree_free)                    \
    X(git_tree_id)                      \
    X(git_tree_lookup)                  \
    X(git_treebuilder_free)             \
    X(git_treebuilder_new)              \
    X(git_treebuilder_write)

struct pb_git2 {
#define PB_GIT2_MEMBER(name) __typeof__(name) *name;
    PB_GIT2_FUNCTIONS(PB_GIT2_MEMBER)
#undef PB_GIT2_MEMBER
};
extern struct pb_git2 pb_git2;

/* Loads libgit2, once in a process. Any thread may call it. */
int pb_git2_load(struct pb_err *err);

#ifndef PB_GIT2_NAMES_ONLY
#define git_blob_create_from_buffer      pb_git2.git_blob_create_from_buffer
#define git_blob_free                    pb_git2.git_blob_free
#define git_blob_lookup                  pb_git2.git_blob_lookup
#define git_blob_rawcontent              pb_git2.git_blob_rawcontent
#define git_blob_rawsize                 pb_git2.git_blob_rawsize
#define git_branch_name_is_valid         pb_git2.git_branch_name_is_valid
#define git_buf_dispose                  pb_git2.git_buf_dispose
#define git_checkout_options_init        pb_git2.git_checkout_options_init
#define git_checkout_tree                pb_git2.git_checkout_tree
#define git_commit_author                pb_git2.git_commit_author
#define git_commit_create                pb_git2.git_commit_create
#define git_commit_free                  pb_git2.git_commit_free
#define git_commit_id                    pb_git2.git_commit_id
#define git_commit_lookup                pb_git2.git_commit_lookup
#define git_commit_parent                pb_git2.git_commit_parent
#define git_commit_parent_id             pb_git2.git_commit_parent_id
#define git_commit_parentcount           pb_git2.git_commit_parentcount
#define git_commit_summary               pb_git2.git_commit_summary
#define git_commit_time                  pb_git2.git_commit_time
#define git_commit_tree                  pb_git2.git_commit_tree
#define git_commit_tree_id               pb_git2.git_commit_tree_id
#define git_config_free                  pb_git2.git_config_free
#define git_config_get_string_buf        pb_git2.git_config_get_string_buf
#define git_config_iterator_free         pb_git2.git_config_iterator_free
#define git_config_iterator_new          pb_git2.git_config_iterator_new
#define git_config_next                  pb_git2.git_config_next
#define git_diff_free                    pb_git2.git_diff_free
#define git_diff_get_delta               pb_git2.git_diff_get_delta
#define git_diff_num_deltas              pb_git2.git_diff_num_deltas
#define git_diff_options_init            pb_git2.git_diff_options_init
#define git_diff_status_char             pb_git2.git_diff_status_char
#define git_diff_tree_to_tree            pb_git2.git_diff_tree_to_tree
#define git_error_last                   pb_git2.git_error_last
#define git_graph_descendant_of          pb_git2.git_graph_descendant_of
#define git_index_add                    pb_git2.git_index_add
#define git_index_conflict_iterator_free pb_git2.git_index_conflict_iterator_free
#define git_index_conflict_iterator_new  pb_git2.git_index_conflict_iterator_new
#define git_index_conflict_next          pb_git2.git_index_conflict_next
#define git_index_entrycount             pb_git2.git_index_entrycount
#define git_index_free                   pb_git2.git_index_free
#define git_index_get_byindex            pb_git2.git_index_get_byindex
#define git_index_has_conflicts          pb_git2.git_index_has_conflicts
#define git_index_new                    pb_git2.git_index_new
#define git_index_read_tree              pb_git2.git_index_read_tree
#define git_index_write_tree_to          pb_git2.git_index_write_tree_to
#define git_libgit2_init                 pb_git2.git_libgit2_init
#define git_libgit2_shutdown             pb_git2.git_libgit2_shutdown
#define git_mempack_new                  pb_git2.git_mempack_new
#define git_merge_base                   pb_git2.git_merge_base
#define git_merge_commits                pb_git2.git_merge_commits
#define git_merge_options_init           pb_git2.git_merge_options_init
#define git_object_free                  pb_git2.git_object_free
#define git_object_id                    pb_git2.git_object_id
#define git_object_peel                  pb_git2.git_object_peel
#define git_odb_add_backend              pb_git2.git_odb_add_backend
#define git_odb_free                     pb_git2.git_odb_free
#define git_odb_hash                     pb_git2.git_odb_hash
#define git_odb_read_header              pb_git2.git_odb_read_header
#define git_oid_cmp                      pb_git2.git_oid_cmp
#define git_oid_cpy                      pb_git2.git_oid_cpy
#define git_oid_equal                    pb_git2.git_oid_equal
#define git_oid_fromstr                  pb_git2.git_oid_fromstr
#define git_oid_tostr                    pb_git2.git_oid_tostr
#define git_reference_create             pb_git2.git_reference_create
#define git_reference_free               pb_git2.git_reference_free
#define git_reference_iterator_free      pb_git2.git_reference_iterator_free
#define git_reference_iterator_glob_new  pb_git2.git_reference_iterator_glob_new
#define git_reference_lookup             pb_git2.git_reference_lookup
#define git_reference_name_to_id         pb_git2.git_reference_name_to_id
#define git_reference_next_name          pb_git2.git_reference_next_name
#define git_reference_symbolic_target    pb_git2.git_reference_symbolic_target
#define git_remote_lookup                pb_git2.git_remote_lookup
#define git_repository_config_snapshot   pb_git2.git_repository_config_snapshot
#define git_repository_discover          pb_git2.git_repository_discover
#define git_repository_free              pb_git2.git_repository_free
#define git_repository_head_unborn       pb_git2.git_repository_head_unborn
#define git_repository_is_shallow        pb_git2.git_repository_is_shallow
#define git_repository_odb               pb_git2.git_repository_odb
#define git_repository_open_ext          pb_git2.git_repository_open_ext
#define git_repository_path              pb_git2.git_repository_path
#define git_repository_state             pb_git2.git_repository_state
#define git_repository_workdir           pb_git2.git_repository_workdir
#define git_repository_wrap_odb          pb_git2.git_repository_wrap_odb
#define git_revparse_single              pb_git2.git_revparse_single
#define git_revwalk_free                 pb_git2.git_revwalk_free
#define git_revwalk_hide                 pb_git2.git_revwalk_hide
#define git_revwalk_new                  pb_git2.git_revwalk_new
#define git_revwalk_next                 pb_git2.git_revwalk_next
#define git_revwalk_push                 pb_git2.git_revwalk_push
#define git_signature_free               pb_git2.git_signature_free
#define git_signature_new                pb_git2.git_signature_new
#define git_signature_now                pb_git2.git_signature_now
#define git_status_byindex               pb_git2.git_status_byindex
#define git_status_list_entrycount       pb_git2.git_status_list_entrycount
#define git_status_list_free             pb_git2.git_status_list_free
#define git_status_list_new              pb_git2.git_status_list_new
#define git_status_options_init          pb_git2.git_status_options_init
#define git_transaction_commit           pb_git2.git_transaction_commit
#define git_transaction_free             pb_git2.git_transaction_free
#define git_transaction_lock_ref         pb_git2.git_transaction_lock_ref
#define git_transaction_new              pb_git2.git_transaction_new
#define git_transaction_set_target       pb_git2.git_transaction_set_target
#define git_tree_create_updated          pb_git2.git_tree_create_updated
#define git_tree_entry_byindex           pb_git2.git_tree_entry_byindex
#define git_tree_entry_bypath            pb_git2.git_tree_entry_bypath
#define git_tree_entry_filemode          pb_git2.git_tree_entry_filemode
#define git_tree_entry_free              pb_git2.git_tree_entry_free
#define git_tree_entry_id                pb_git2.git_tree_entry_id
#define git_tree_entry_name              pb_git2.git_tree_entry_name
#define git_tree_entry_type              pb_git2.git_tree_entry_type
#define git_tree_entrycount              pb_git2.git_tree_entrycount
#define git_tree_free                    pb_git2.git_tree_free
#define git_tree_id                      pb_git2.git_tree_id
#define git_tree_lookup                  pb_git2.git_tree_lookup
#define git_treebuilder_free             pb_git2.git_treebuilder_free
#define git_treebuilder_new              pb_git2.git_treebuilder_new
#define git_treebuilder_write            pb_git2.git_treebuilder_write
#endif

#endif
