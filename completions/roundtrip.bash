# Completion of roundtrip for bash.  The program itself says what may stand next: roundtrip --complete WORD...

# _roundtrip_plain WORD: into `plain`, the word as it was meant, without its quotes and backslashes.
_roundtrip_plain() {
    local rest=$1 quote=
    plain=
    while [[ -n $rest ]]; do
        case $quote${rest:0:1} in
        \\* | '"'\\)
            [[ -n $quote && ${rest:1:1} != [\$\`\"\\] ]] && plain+=\\
            rest=${rest:1}
            plain+=${rest:0:1}
            ;;
        \' | '"') quote=${rest:0:1} ;;
        \'\' | '""') quote= ;;
        *) plain+=${rest:0:1} ;;
        esac
        rest=${rest:1}
    done
}

_roundtrip() {
    local line plain program=${COMP_WORDS[0]/#~\//$HOME/} word=${COMP_WORDS[COMP_CWORD]}
    local -a words=()
    COMPREPLY=()
    for line in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        _roundtrip_plain "$line"
        words+=("$plain")
    done
    plain=$word
    [[ $word == [\"\']* ]] || _roundtrip_plain "$word"
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
    done < <("$program" --complete "${words[@]}" "$plain" 2>/dev/null)
}
complete -F _roundtrip roundtrip
