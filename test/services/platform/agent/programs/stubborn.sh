# Ignores SIGTERM and leaves the group in every way a program can; prints "ready" once all of it runs.
trap '' TERM
endless='trap "" TERM; while :; do sleep 0.2; done'
sh -c "$endless" &
setsid sh -c "$endless" &
(setsid sh -c "$endless" &)
env -i setsid sleep 987654 &
echo ready
while :; do sleep 0.2; done
