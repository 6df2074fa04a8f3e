# Turns schema/*.msg into messages.h (structs) and messages.c (tables).
#
#   awk -v out=DIR -f libcore/wire/gen.awk FILES...        (mawk, gawk, busybox)
#
# The language, one thing a line, `#` begins a comment:
#
#   api KEY NAME                       the API whose request and response follow
#   request|response|message NAME VERSIONS [flexible FIRST]
#   struct NAME                        one that several fields of the message above share
#   <tabs>FIELD TYPE [VERSIONS] [WORD...]
#
# One more tab: a field of the struct that the line above names. VERSIONS are `3`,
# `3-5` or `3+`; without them, all of what encloses the field. TYPE as in codec.h;
# `[]T` and `T` with a capital are structs. Words:
#
#   null, null:V    may be null (in versions V)
#   =VALUE          default; =null also means `null`
#   tag:N           stands in the tag section, under N
#   drop            encoding at a version that lacks it may lose its value
#   plain           keeps the old length form in flexible versions

BEGIN {
	split("bool int8 int16 uint16 int32 uint32 int64 float64 string bytes records uuid", names, " ")
	for (i in names)
		kind[names[i]] = "KQ_KIND_" toupper(names[i])
	split("int8 int16 uint16 int32 uint32 int64", names, " ")
	for (i in names)
		ctype[names[i]] = names[i] "_t "
	ctype["bool"] = "bool "
	ctype["float64"] = "double "
	ctype["string"] = "struct kq_str "
	ctype["bytes"] = ctype["records"] = "struct kq_bytes "
	ctype["uuid"] = "struct kq_uuid "
	h = out "/messages.h"
	c = out "/messages.c"
	n_structs = n_messages = n_apis = 0
	failed = 0
}

function die(why)
{
	printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
	failed = 1
	exit 1
}

function snake(s,    r, i, ch, low)
{
	r = ""
	low = 0
	for (i = 1; i <= length(s); i++) {
		ch = substr(s, i, 1)
		if (ch ~ /[A-Z]/ && low)
			r = r "_"
		low = ch ~ /[a-z0-9]/
		r = r tolower(ch)
	}
	return r
}

# Sets lo and hi from "3", "3-5" or "3+" (+ up to top).
function range(s, top,    p)
{
	if (s ~ /^[0-9]+$/) {
		lo = hi = s + 0
	} else if (s ~ /^[0-9]+\+$/) {
		lo = s + 0
		hi = top
	} else if (s ~ /^[0-9]+-[0-9]+$/) {
		split(s, p, "-")
		lo = p[1] + 0
		hi = p[2] + 0
	} else {
		die("no versions: " s)
	}
	if (hi > 30 || lo > hi)
		die("versions out of range: " s)
}

function mask(a, b,    m, i)
{
	m = 0
	for (i = a; i <= b; i++)
		m += 2 ^ i
	return sprintf("0x%x", m)
}

function new_struct(name, a, b)
{
	n_structs++
	s_name[n_structs] = name
	s_message[n_structs] = n_messages
	s_fields[n_structs] = 0
	s_lo[n_structs] = a
	s_hi[n_structs] = b
	s_tag[n_structs] = -1
	return n_structs
}

function begin_message(    i)
{
	n_messages++
	range($3, -1)
	flex = 99
	if (NF == 5 && $4 == "flexible")
		flex = $5 + 0
	else if (NF != 3)
		die("want: " $1 " NAME VERSIONS [flexible FIRST]")
	at[1] = new_struct("kq_" snake($2), lo, hi)
	m_root[n_messages] = at[1]
	m_name[n_messages] = $2
	m_flex[n_messages] = flex
	deepest = 1
	if ($1 != "message") {
		if (!n_apis || (n_apis, $1) in a_message)
			die($1 " without api")
		a_message[n_apis, $1] = s_name[at[1]]
	}
}

# What a word after the type says about field f.
function word(f, w, a, b)
{
	if (w == "null") {
		f_null[f] = mask(a, b)
	} else if (w ~ /^null:/) {
		range(substr(w, 6), b)
		f_null[f] = mask(lo, hi)
	} else if (w == "=null") {
		f_flags[f] = f_flags[f] " | KQ_FIELD_NULL_DEFAULT"
		if (f_null[f] == "0")
			f_null[f] = mask(a, b)
	} else if (w == "=true") {
		f_default[f] = "1"
	} else if (w ~ /^=-?[0-9]+$/) {
		f_default[f] = substr(w, 2)
	} else if (w ~ /^tag:[0-9]+$/) {
		f_tag[f] = substr(w, 5) + 0
	} else if (w == "drop") {
		f_flags[f] = f_flags[f] " | KQ_FIELD_DROP"
	} else if (w == "plain") {
		f_flags[f] = f_flags[f] " | KQ_FIELD_PLAIN"
	} else {
		die("unknown word: " w)
	}
}

function add_field(depth,    s, f, a, b, i, t)
{
	if (depth > deepest)
		die("no struct to hold this field")
	s = at[depth]
	f = s SUBSEP (++s_fields[s])
	a = s_lo[s]
	b = s_hi[s]
	i = 3
	if ($3 ~ /^[0-9]/) {
		range($3, b)
		if (lo < a || hi > b)
			die("versions outside what encloses it")
		a = lo
		b = hi
		i = 4
	}
	f_name[f] = $1
	f_versions[f] = mask(a, b)
	f_null[f] = "0"
	f_default[f] = "0"
	f_flags[f] = "0"
	f_tag[f] = -1
	for (; i <= NF; i++)
		word(f, $i, a, b)
	if (f_tag[f] >= 0) {
		if (f_tag[f] <= s_tag[s] || a < m_flex[n_messages])
			die("tags must rise and need flexible versions")
		s_tag[s] = f_tag[f]
	}
	t = $2
	f_array[f] = sub(/^\[\]/, "", t)
	if (f_array[f])
		f_flags[f] = f_flags[f] " | KQ_FIELD_ARRAY"
	f_type[f] = t
	deepest = depth
	if (t in kind)
		return
	if (t !~ /^[A-Z]/)
		die("unknown type: " t)
	at[depth + 1] = new_struct(s_name[m_root[n_messages]] "_" snake(t), a, b)
	f_own[f] = at[depth + 1]
	deepest = depth + 1
}

{
	sub(/#.*/, "")
	match($0, /^\t*/)
	indent = RLENGTH
}
NF == 0 { next }
indent > 0 { add_field(indent); next }
$1 == "api" && NF == 3 {
	if (n_apis && $2 + 0 <= a_key[n_apis])
		die("api keys must rise")
	a_key[++n_apis] = $2 + 0
	a_name[n_apis] = $3
	next
}
($1 == "request" || $1 == "response" || $1 == "message") { begin_message(); next }
$1 == "struct" && NF == 2 && n_messages {
	root = m_root[n_messages]
	at[1] = new_struct(s_name[root] "_" snake($2), s_lo[root], s_hi[root])
	shared[n_messages, $2] = at[1]
	deepest = 1
	next
}
{ die("not understood: " $0) }

# The struct of field f: its own fields, or the shared one of this name.
function sub_struct(f, m)
{
	if (f_type[f] in kind)
		return 0
	if (s_fields[f_own[f]])
		return f_own[f]
	if (!((m, f_type[f]) in shared))
		die("no fields for " f_type[f])
	return shared[m, f_type[f]]
}

# Prints struct s after those it needs.
function emit(s, root,    i, f, t, member, sub_s, flags)
{
	if (s in done)
		return
	done[s] = 1
	for (i = 1; i <= s_fields[s]; i++) {
		sub_s = sub_struct(s SUBSEP i, s_message[s])
		if (sub_s)
			emit(sub_s, 0)
	}
	printf "struct %s {\n", s_name[s] > h
	printf "static const struct kq_field %s_fields[] = {\n", s_name[s] > c
	for (i = 1; i <= s_fields[s]; i++) {
		f = s SUBSEP i
		member = snake(f_name[f])
		sub_s = sub_struct(f, s_message[s])
		t = sub_s ? "struct " s_name[sub_s] " " : ctype[f_type[f]]
		if (f_array[f] || (sub_s && f_null[f] != "0"))
			t = t "*"
		printf "\t%s%s;\n", t, member > h
		if (f_array[f])
			printf "\tint32_t %s_n;\n", member > h
		flags = f_flags[f]
		sub(/^0 \| /, "", flags)
		printf "\t{ \"%s\", offsetof(struct %s, %s), %s, %s, %d, %s, %s, %s, %s },\n", \
			tolower(substr(f_name[f], 1, 1)) substr(f_name[f], 2), s_name[s], member, \
			sub_s ? "KQ_KIND_STRUCT" : kind[f_type[f]], flags, f_tag[f], \
			f_versions[f], f_null[f], f_default[f], \
			(sub_s ? "&" s_name[sub_s] "_schema" : "NULL") > c
	}
	if (!s_fields[s])
		printf "\tchar nothing; /* this message has no fields */\n" > h
	printf "};\nextern const struct kq_schema %s_schema;\n\n", s_name[s] > h
	if (!s_fields[s])
		print "\t{ 0 }," > c
	print "};" > c
	printf "const struct kq_schema %s_schema = { \"%s\", %s_fields, %d, %d, sizeof(struct %s), %d, %d, %d };\n\n", \
		s_name[s], root ? m_name[s_message[s]] : s_name[s], s_name[s], \
		s_fields[s], (s_tag[s] < 0 ? 0 : 1), s_name[s], s_lo[m_root[s_message[s]]], \
		s_hi[m_root[s_message[s]]], m_flex[s_message[s]] > c
}

END {
	if (failed)
		exit 1
	print "/* Made by libcore/wire/gen.awk from libcore/wire/schema/; not to be edited. */" > h
	print "#ifndef KQ_WIRE_MESSAGES_H\n#define KQ_WIRE_MESSAGES_H\n\n#include \"wire/codec.h\"\n" > h
	print "/* Made by libcore/wire/gen.awk from libcore/wire/schema/; not to be edited. */" > c
	print "#include \"wire/messages.h\"\n\n#include \"wire/api.h\"\n#include \"wire/schema.h\"\n" > c
	for (m = 1; m <= n_messages; m++)
		emit(m_root[m], 1)
	print "#endif" > h
	print "const struct kq_schema *const kq_schema_all[] = {" > c
	for (m = 1; m <= n_messages; m++)
		printf "\t&%s_schema,\n", s_name[m_root[m]] > c
	printf "};\nconst int kq_schema_count = %d;\n\n", n_messages > c
	print "const struct kq_api kq_api_table[] = {" > c
	for (i = 1; i <= n_apis; i++)
		printf "\t{ %d, \"%s\", &%s_schema, &%s_schema },\n", a_key[i], a_name[i], \
			a_message[i, "request"], a_message[i, "response"] > c
	printf "};\nconst int kq_api_count = %d;\n", n_apis > c
}
