/* What two members of a shared session, and one who comes later, do to each other by leaving: a second opinion on the
 * model `shared --clients 2 --outside 0`; with -DOUTSIDE on `shared --clients 2 --outside 1`, where there is a stranger.
 *
 * Level conventional (robust is the same here) or -DLEVEL=DOCUMENTED; era fast-shutdown, or -DCLASSIC. When the history begins, s1 has made the shared
 * session, s2 has joined it (and s3 has logged on apart), each has been asked QueryIdentity once with success, and each
 * has a sink (k1, k2, k3) registered for the end of its session, to which that holds one reference. Calls do not overlap.
 */

#include "tell.pml"

#ifndef LEVEL
#define LEVEL CONVENTIONAL
#endif
#define MILD (LEVEL < CONVENTIONAL)

#define S1    0             /* who made the shared session */
#define S2    1             /* who joined it */
#define APART 2             /* the stranger: s3, if there is one */
#define LATE  3             /* who comes later: s3, or s4 */
#ifdef OUTSIDE
#define LATE_NAME "s4"
#else
#define LATE_NAME "s3"
#endif

/* ---- what is remembered ---- */

/* of each session pointer */
#define ABSENT   0          /* not handed out yet */
#define ON       1
#define OFF      2          /* Logoff has succeeded; the reference is held */
#define RELEASED 3
byte phase[4];
bool worked[4];             /* the last answer to QueryIdentity was a success */
bool disturbed[4];          /* somebody has come or left since this one came: the cast asks only then */
bool must[4];               /* it worked before that, and has not been asked since */

/* SHARED-007: by the pages alone, since fast shutdown nothing is certain of a session whose fellow left with the flag. */
bool unsure[4];
#ifdef CLASSIC
#define UNSURE_FROM_NOW false
#else
#define UNSURE_FROM_NOW MILD
#endif

/* of each sink: k1 is s1's, k2 is s2's, k3 is the stranger's */
bool live[3];               /* the registration lives */
byte held[3];               /* references of the session's to the sink */

/* what must have come when all settles */
byte back[3];               /* the sink is to be given back (UNK-014) */
byte told[3];               /* the sink is to be told of another's Logoff (SHARED-004) */

byte quiet[3];              /* the sink is to hear nothing of a stranger's Logoff (SHARED-011): PAID until it does */

/* SHARED-011 also of who has left: what happened before may still be on its way until all has settled. A reading: where
 * two who left owed the same sink a word, whose came nobody can tell, and both may be on their way for ever. */
bool listened[3];           /* its registration lived when its session logged off */
bool wound[4];              /* all has settled since the session ended */
byte owes[3];               /* who has left owing the sink a word since all has settled, a bit each */
byte vague;                 /* whose words cannot be told apart, a bit each */
byte gone[3];               /* the sink is to hear nothing of a Logoff, its session having left: PAID until it does */
byte by[3];                 /* of whose Logoff, a bit each */

bool notified;              /* a bound: one notification in a history */

#define NONE     0
#define LOGOFF   1          /* flags 0 */
#define LOGOFF_S 2          /* MAPI_LOGOFF_SHARED */
#define RELEASE  3
#define ASK      4
#define LOGON    5
byte pending;
byte who;                   /* on whom the call under way was made */

c_code {
	void key(char *to) {
		int i;
		for (i = 0; i < 4; i++) to += sprintf(to, "%d%d%d%d%d.", now.phase[i], now.worked[i], now.disturbed[i], now.must[i], now.unsure[i]);
		for (i = 0; i < 3; i++) to += sprintf(to, "%d%d%d%d%d.", now.live[i], now.held[i], now.back[i], now.told[i], now.quiet[i]);
		for (i = 0; i < 3; i++) to += sprintf(to, "%d%d%d%d.", now.listened[i], now.owes[i], now.gone[i], now.by[i]);
		for (i = 0; i < 4; i++) to += sprintf(to, "%d", now.wound[i]);
		sprintf(to, ".%d.%d.%d.%d", now.vague, now.notified, now.pending, now.who);
	}
};

#define OK        "→ S_OK"
#define BAD       "→ MAPI_E_INVALID_PARAMETER"
#define CANCEL    "→ MAPI_E_USER_CANCEL"
#define NOT_INIT  "→ MAPI_E_NOT_INITIALIZED"
#define INVALID   "→ MAPI_E_INVALID_OBJECT"
#define NO_LOGON  "→ MAPI_E_LOGON_FAILED"

#define QUIET     (pending == NONE)
#define LEAVING   (pending == LOGOFF || pending == LOGOFF_S)
#define HOLDS(s)  (phase[s] == ON || phase[s] == OFF)
#define LEFT(s)   (phase[s] == OFF || phase[s] == RELEASED)
#define IS_SHARED (phase[S1] == ON || phase[S2] == ON || phase[LATE] == ON)   /* the shared session has a member */

/* at `documented`, as long as its maker is on for certain (SHARED-002); SHARED-017 comes with `conventional` */
#define MUST_JOIN (MILD -> phase[S1] == ON && !unsure[S1] : IS_SHARED)
#define SAME(s, t) ((s == APART) == (t == APART))                              /* they share a session */

/* somebody has left the session that k belongs to, of which k may be hearing late */
#define LEFT_BY_SOME(k) (k == APART -> LEFT(APART) : LEFT(S1) || LEFT(S2) || LEFT(LATE))

#define OWED      (back[0] + back[1] + back[2] + told[0] + told[1] + quiet[0] + quiet[1] + quiet[2] + \
	gone[0] + gone[1] + gone[2] > 0)
#define UNSETTLED (back[0] == UNPAID || back[1] == UNPAID || back[2] == UNPAID || told[0] == UNPAID || told[1] == UNPAID || \
	quiet[0] == UNPAID || quiet[1] == UNPAID || quiet[2] == UNPAID || \
	!MILD && (gone[0] == UNPAID || gone[1] == UNPAID || gone[2] == UNPAID))

/* ---- shapes of steps ---- */

#define CALL(guard, what, s, label) \
	:: d_step { QUIET && (guard) -> from(); pending = what; who = s; to(label); }

#define RETURN(what, guard, effect, label) RETURN_IF(pending == what, guard, effect, label)
#define RETURN_IF(which, guard, effect, label) \
	:: d_step { (which) && (guard) -> from(); effect; pending = NONE; who = 0; to(label); }

/* ---- what follows ---- */

/* Whoever is on must go on as before, when another leaves (SHARED-005, SHARED-012), gives a dead pointer back, or joins
 * (SHARED-013). */
inline disturb(s) {
	if
	:: phase[s] == ON && who != s ->
		disturbed[s] = true; must[s] = worked[s];
		if :: pending == LOGOFF_S && SAME(who, s) -> unsure[s] = unsure[s] || UNSURE_FROM_NOW :: else fi
	:: else
	fi
}
inline disturb_others() { disturb(S1); disturb(S2); disturb(APART); disturb(LATE) }

/* Until the question was answered as before. */
#define MUST(s) (!unsure[s] && must[s])

inline forget(s) {
	worked[s] = false; disturbed[s] = false; must[s] = false; unsure[s] = false;
	if
	:: s != LATE ->
		live[s] = false;
		if :: told[s] == UNPAID -> told[s] = PAID :: else fi
	:: else
	fi
}

/* SHARED-004: every other member that is on and registered is to be told. A reading: whoever is told by any Logoff, or
 * leaves meanwhile, is owed nothing more. */
inline owe_word(k) {
	if
	:: who != k && SAME(who, k) && phase[k] == ON && live[k] -> told[k] = UNPAID; owes[k] = owes[k] | (1 << who)
	:: else
	fi
}

/* SHARED-011, LOGON-010: whoever is on and does not share the session is to hear nothing, now or later. A reading: that
 * is judged when all has settled. */
inline hush(k) {
	if :: !SAME(who, k) && phase[k] == ON && live[k] && quiet[k] == NOTHING -> quiet[k] = PAID :: else fi
}

/* SHARED-011: whoever has long left is to hear nothing of this Logoff. */
inline bygone(k) {
	if :: who != k && wound[k] && listened[k] -> if :: gone[k] == NOTHING -> gone[k] = PAID :: else fi; by[k] = by[k] | (1 << who) :: else fi
}

/* A word is held against the session only where no other can be the reason for it: of whom k shared with, all but one c
 * that it is owed silence of are on, or left long ago. */
#define PAST(s, k)     (s == k || !SAME(s, k) || phase[s] == ABSENT || phase[s] == ON || wound[s])
#define OF_ALONE(c, k) ((by[k] & (1 << c)) && (c == S1 || PAST(S1, k)) && (c == S2 || PAST(S2, k)) && \
	(c == APART || PAST(APART, k)) && (c == LATE || PAST(LATE, k)))
#define IS_NEWS(k)     (gone[k] == PAID && (OF_ALONE(S1, k) || OF_ALONE(S2, k) || OF_ALONE(APART, k) || OF_ALONE(LATE, k)))

/* All has settled: whose words cannot be told apart, and who has left for long. */
inline blur(k) {
	if :: owes[k] & (owes[k] - 1) -> vague = vague | owes[k] :: else fi;
	owes[k] = 0; gone[k] = NOTHING; by[k] = 0
}
inline wind_up(s) {
	if :: LEFT(s) && !(vague & (1 << s)) -> wound[s] = true :: else fi
}

inline logged_off() {
	if :: who != LATE -> listened[who] = live[who] :: else fi;
	phase[who] = OFF;
	forget(who);
	disturb_others()
}

/* A reading: its registration is not known to be over; the Rust side lets the sink be given back only at a Logoff. */
inline ended_before() {
	if
	:: who != LATE && live[who] -> logged_off(); live[who] = true; listened[who] = false
	:: else -> logged_off()
	fi
}

inline released() {
	/* UNK-014: a final Release without a Logoff gives the sink back and leaves the shared session. */
	if
	:: phase[who] == ON ->
		if   :: who != LATE -> back[who] = (held[who] > 0 && !MILD -> UNPAID : PAID) :: else fi;
		phase[who] = RELEASED;
		forget(who);
		disturb_others()
	:: else ->
		phase[who] = RELEASED;
		forget(who);
		disturb_others()
	fi
}

/* ---- one client's calls, one sink's callbacks ---- */

#define CLIENT(s, name) \
	:: d_step { QUIET && phase[s] == ON -> from(); pending = LOGOFF; who = s; hush(0); hush(1); hush(2); \
		bygone(0); bygone(1); bygone(2); \
		to(name "->Logoff(0x0, 0x0, 0x0)"); } \
	:: d_step { QUIET && phase[s] == ON -> from(); pending = LOGOFF_S; who = s; hush(0); hush(1); hush(2); \
		bygone(0); bygone(1); bygone(2); \
		owe_word(0); owe_word(1); \
		to(name "->Logoff(0x0, MAPI_LOGOFF_SHARED, 0x0)"); } \
	CALL(phase[s] == ON && (must[s] || !worked[s]), ASK, s, name "->QueryIdentity()") \
	CALL(HOLDS(s), RELEASE, s, name "->Release()")

/* NOTIFY-014: given back no more often than it was referenced; when, is the session's choice.
 * NOTIFY-010: told only while a reference is held. SHARED-010: as of an error. NOTIFY-003: of nothing else. A reading
 * (A-05): a Logoff without the flag may tell too, and the one who leaves may hear itself. */
#define SINK(k, name) \
	:: d_step { held[k] > 0 && (LEAVING || !live[k]) -> from(); \
		held[k]--; if :: back[k] == UNPAID -> back[k] = PAID :: else fi; \
		to("← " name "->Release"); } \
	:: d_step { held[k] > 0 && LEAVING && !notified -> from(); \
		notified = true; if :: told[k] == UNPAID -> told[k] = PAID :: else fi; \
		if :: quiet[k] == PAID && !SAME(who, k) && !LEFT_BY_SOME(k) -> quiet[k] = UNPAID :: else fi; \
		if :: IS_NEWS(k) -> gone[k] = UNPAID :: else fi; \
		to("← " name "->OnNotify(fnevCriticalError)"); }

active proctype everybody() {
	d_step {
		phase[S1] = ON; worked[S1] = true; disturbed[S1] = true; must[S1] = true; live[S1] = true; held[S1] = 1;
		phase[S2] = ON; worked[S2] = true; live[S2] = true; held[S2] = 1;
#ifdef OUTSIDE
		disturbed[S2] = true; must[S2] = true;
		phase[APART] = ON; worked[APART] = true; live[APART] = true; held[APART] = 1;
#endif
		c_code { tell_init(); };
	}
end:	do
	/* ================ the clients ================ */
	CLIENT(S1, "s1")
	CLIENT(S2, "s2")
#ifdef OUTSIDE
	CLIENT(APART, "s3")
#endif
	CLIENT(LATE, LATE_NAME)
	CALL(phase[LATE] == ABSENT && (LEFT(S1) || LEFT(S2) || LEFT(APART)), LOGON, LATE,
		LATE_NAME " = MAPILogonEx(NULL, MAPI_EXTENDED)")

	/* ================ answers ================ */
	/* LOGOFF-009, SHARED-008: from whomever the flag comes. */
	RETURN(LOGOFF,   true, logged_off(), OK)
	RETURN(LOGOFF_S, true, logged_off(), OK)
	/* SHARED-007, at `documented`: it may have ended before, and is so answered. */
	RETURN_IF(LEAVING, unsure[who], ended_before(), BAD)
	RETURN_IF(LEAVING, unsure[who], ended_before(), CANCEL)
	RETURN_IF(LEAVING, unsure[who], ended_before(), NOT_INIT)
	RETURN(RELEASE,  true, released(),   OK)                 /* DEAD-002, LOGOFF-013, UNK-010 */
	/* SHARED-002, SHARED-017: who comes can join, as long as there is a member. LOGON-011, by convention: else there is
	 * nothing to join, and the call fails. */
	RETURN(LOGON, IS_SHARED || MILD, phase[LATE] = ON; disturb_others(), OK)
	RETURN(LOGON, !MUST_JOIN, skip, NO_LOGON)
	RETURN(LOGON, !MUST_JOIN, skip, CANCEL)
	RETURN(LOGON, !MUST_JOIN, skip, NOT_INIT)
	/* SHARED-005, SHARED-012: what worked works on. */
	RETURN(ASK, true,       worked[who] = true; must[who] = false, OK)
	RETURN(ASK, !MUST(who), worked[who] = false, INVALID)
	RETURN(ASK, !MUST(who), worked[who] = false, CANCEL)
	RETURN(ASK, !MUST(who), worked[who] = false, NOT_INIT)

	/* ================ the sinks are called ================ */
	SINK(0, "k1")
	SINK(1, "k2")
#ifdef OUTSIDE
	SINK(2, "k3")
#endif

	/* ================ nothing more comes ================ */
	/* SHARED-004, UNK-014: by then every word is passed and every sink given back. */
	:: d_step { QUIET && OWED && !UNSETTLED -> from();
		back[0] = NOTHING; back[1] = NOTHING; back[2] = NOTHING; told[0] = NOTHING; told[1] = NOTHING;
		blur(0); blur(1); blur(2); wind_up(S1); wind_up(S2); wind_up(APART); wind_up(LATE); to("settled"); }
	od
}
