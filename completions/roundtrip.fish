# Completion of roundtrip for fish.  The program itself says what may stand next: roundtrip --complete WORD...
function __roundtrip_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    for line in ($program --complete $words[2..-1] "$word" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$word"
            case :dirs
                __fish_complete_directories "$word"
            case '*'
                echo $line
        end
    end
end
complete -c roundtrip -f -a '(__roundtrip_complete)'
