# sh job.sh FOLDER CODE SECONDS-or-gate GRACE: a job of the tests of faults, see world.
# No more than six GPUs. CODE and SECONDS may be several, by rank, with commas. GRACE: seconds that it takes
# to end when it is told to.
cd "$1" || exit 99
net=$(readlink /proc/self/ns/net)
log=$(readlink /proc/self/fd/1) # its GPUs are those of the node that has its log
node=${log%/logs/*}
node=${node##*/node}
by_rank() {
    set -- "$1" "${RANK:-0}"
    while [ "$2" -gt 0 ] && [ "$1" != "${1#*,}" ]; do set -- "${1#*,}" $(($2 - 1)); done
    echo "${1%%,*}"
}
code=$(by_rank "$2")
mark() {
    read -r up _ </proc/uptime
    echo "$1 $SENTINEL_JOB_ID $SENTINEL_ATTEMPT $up $net $CUDA_VISIBLE_DEVICES" >>marks
}
hold() { eval "exec $1>>locks/\$2"; flock -n "$1" || mark X; }
[ "$4" = 0 ] || trap 'sleep "$4"; mark E; exit 0' TERM
hold 3 "$SENTINEL_JOB_ID"
n=4
IFS=,
[ -n "$SENTINEL_GPU_MEMORY_LIMIT_BYTES" ] || for gpu in $CUDA_VISIBLE_DEVICES; do
    hold $n "$net${node%/dir}-$gpu"
    n=$((n + 1))
done
unset IFS
mark S
case "$3" in
    gate*) while [ ! -e "$3" ]; do sleep 0.1; done ;;
    *) sleep "$(by_rank "$3")" || { code=$?; mark E; exit "$code"; } ;;
esac
echo "done $SENTINEL_ATTEMPT"
mark E
exit "$code"
