# Completion of roundtrip for bash.  The program itself says what may stand next: roundtrip --complete WORD...
_roundtrip() {
    local line program=${COMP_WORDS[0]/#~\//$HOME/} word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    [[ $word == [=:] ]] && word=
    while IFS= read -r line; do
        case $line in
        :files)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            ;;
        :dirs)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            ;;
        *)
            printf -v line %q "${line%%$'\t'*}"
            COMPREPLY+=("$line")
            ;;
        esac
    done < <("$program" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _roundtrip roundtrip
