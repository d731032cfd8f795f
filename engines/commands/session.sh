#!/bin/sh
# Runs the actions of one session inside its sandbox, one at a time. The adapter passes this text to the shell.
#
# Standard input: the mark of this session as the first line, then `run ID`, `term ID NOTE` and `kill ID`. Standard output:
# what the actions print, and when one has ended a line `MARK ID CODE`. An action is the script /session/actions/ID; it
# leads a session and process group of its own, so that ending it takes what it started along, and leaves alone what an
# environment has put into a session of its own to stay.
read -r mark || exit 1
notes=/tmp/.session
mkdir -p "$notes"

# The process group of action $1. Its number is written by the action's own shell, which may not have come to it yet.
group() {
  until [ -s "$notes/$1" ]; do sleep 0.02; done
  cat "$notes/$1"
}

while read -r verb id note; do
  case "$verb" in
    run)
      (
        setsid /bin/sh -c 'echo $$ >"$1"; exec /bin/sh "$2"' action "$notes/$id" "/session/actions/$id" </dev/null 2>&1
        # The action's last line may lack its end.
        printf '\n%s %s %s\n' "$mark" "$id" "$?"
      ) &
      ;;
    term)
      # What the specification promises to a process that is told to end: the time it has.
      printf '%s\n' "$note" >cancel_info.json
      kill -s TERM -- "-$(group "$id")" 2>/dev/null
      ;;
    kill)
      kill -s KILL -- "-$(group "$id")" 2>/dev/null
      ;;
  esac
done
