# Answers --help with the comment that the calling script begins with; sourced from the top of the repository, with the
# script's arguments.
# shellcheck shell=bash
case ${1-} in
-h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "scripts/${0##*/}"
    exit
    ;;
esac
