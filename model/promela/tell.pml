/* What the machines share: how a step is printed, and how a doubtful reading is marked.
 *
 * Each machine gives a C function `key`, which writes every global variable. A step first calls `from()`, then changes
 * the variables, then calls `to(label)`: one line FROM <TAB> LABEL <TAB> TO. The first state is printed by `tell_init`.
 */

c_decl {
	extern void key(char *);
	extern void keep(void);
	extern void tell(const char *);
	extern void tell_init(void);
};
#ifdef SILENT
/* for timing the search alone */
c_code { void keep(void) {} void tell(const char *label) {} void tell_init(void) {} };
#else
c_code {
	static char from_key[512];
	void keep(void) { key(from_key); }
	void tell(const char *label) { char to_key[512]; key(to_key); printf("%s\t%s\t%s\n", from_key, label, to_key); }
	void tell_init(void) { char first[512]; key(first); printf("INIT\t%s\n", first); }
};
#endif
#define from()    c_code { keep(); }
#define to(label) c_code { tell(label); }

/* Where the Rust side departs from the text of a requirement, as this file's author reads it, both are written down:
 * DOUBT(what the text asks, what the Rust side does). The letters beside them are those of README.md. By default the
 * machine follows the Rust side, and is bisimilar to it; `spin -DTEXT` follows the text. */
#ifdef TEXT
#define DOUBT(text, rust) text
#else
#define DOUBT(text, rust) rust
#endif

/* How strict the judgement is. */
#define DOCUMENTED   1
#define CONVENTIONAL 2
#define ROBUST       3

/* A debt: nothing is owed; something is, and has not come; it has come, or lapsed. */
#define NOTHING 0
#define UNPAID  1
#define PAID    2
