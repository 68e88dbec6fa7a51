/* What one client can do to one session: a second opinion on the model `session`.
 *
 * Level conventional, or -DLEVEL=DOCUMENTED or ROBUST; era fast-shutdown (classic is the same here). One process, one loop: each option is one step that can be seen at the
 * boundary between client and session. Calls do not overlap: `pending` is the one under way. When the history begins
 * the client has logged on to an individual session of its own, s1, and holds one reference to it.
 */

#include "tell.pml"

#ifndef LEVEL
#define LEVEL CONVENTIONAL
#endif
#define MILD (LEVEL < CONVENTIONAL)

/* ================ what is remembered ================ */

byte refs  = 1;          /* references of the client's to the session */
byte added = 0;          /* of these, got by AddRef or QueryInterface: the alphabet asks */
bool off   = false;      /* a Logoff has succeeded */

/* Questions. `worked`: the last answer was a success. What worked before something that changes nothing (a Logoff
 * cancelled or refused, another reference given back) must work after it. */
bool table_worked;       /* GetStatusTable */
bool table_must;
bool disturbed;
byte opened = 0;         /* tables opened in all: at most two */
bool o1_held, o1_worked, o1_must;
bool o2_held, o2_worked, o2_must;

bool registered;         /* Advise has succeeded once: there is no second */
bool live;               /* the registration r1 lives */
byte held = 0;           /* references of the session's to the sink k1 */
bool notified;           /* a bound: one notification in a history */
byte back = NOTHING;     /* the sink is to be given back */
bool stirred;            /* the Logoff under way has been seen to do something */

byte pending = 0;
byte word = 0;           /* the arguments of the Logoff under way */

#define NONE      0
#define LOGOFF    1
#define RELEASE   2
#define ADDREF    3
#define QI_UNK    4
#define QI_SESS   5
#define QI_ODD    6
#define TABLE     7
#define STATUS1   8
#define STATUS2   9
#define FREE1    10
#define FREE2    11
#define ADVISE   12
#define UNADVISE 13

/* the bits of `word`: 1 is MAPI_LOGOFF_SHARED, which an individual session ignores (SHARED-009) */
#define UI_FLAG     2
#define ODD_FLAG    4    /* 0x80000000 */
#define RESERVED    8    /* the reserved word is 1 */
#define GARBAGE    16    /* the window handle is none */
#define HAS(bit)  ((word & (bit)) != 0)

c_code {
	void key(char *to) {
		sprintf(to, "%d.%d.%d.%d%d%d.%d.%d%d%d.%d%d%d.%d%d%d.%d.%d.%d.%d.%d",
			now.refs, now.added, now.off, now.table_worked, now.table_must, now.disturbed, now.opened,
			now.o1_held, now.o1_worked, now.o1_must, now.o2_held, now.o2_worked, now.o2_must,
			now.registered, now.live, now.held, now.notified, now.back, now.stirred, now.pending, now.word);
	}
};
c_decl { extern void tell_logoff(int); };
c_code {
#ifdef SILENT
	void tell_logoff(int w) {}
#else
	void tell_logoff(int w) {
		static const char *flags[8] = {
			"0x0", "MAPI_LOGOFF_SHARED", "MAPI_LOGOFF_UI", "MAPI_LOGOFF_SHARED|MAPI_LOGOFF_UI",
			"0x80000000", "MAPI_LOGOFF_SHARED|0x80000000", "MAPI_LOGOFF_UI|0x80000000",
			"MAPI_LOGOFF_SHARED|MAPI_LOGOFF_UI|0x80000000" };
		char label[160];
		sprintf(label, "s1->Logoff(%s, %s, %s)", w & 16 ? "0xFFFFFFFFFFFFFFFF" : "0x0", flags[w & 7],
			w & 8 ? "0x1" : "0x0");
		tell(label);
	}
#endif
};

/* ================ shapes of steps ================ */

#define QUIET    (pending == NONE)
#define CLIENT   (QUIET && refs > 0)
#define LEAVING  (pending == LOGOFF || pending == UNADVISE)

#define CALL(guard, what, label) \
	:: d_step { CLIENT && (guard) -> from(); pending = what; to(label); }

#define CALL_LOGOFF(w) \
	:: d_step { CLIENT -> from(); pending = LOGOFF; word = w; c_code { tell_logoff(w); }; }

#define RETURN(what, guard, effect, label) \
	:: d_step { pending == what && (guard) -> from(); effect; pending = NONE; word = 0; stirred = false; to(label); }

/* A callback returns at once. */
#define CALLBACK(guard, effect, label) \
	:: d_step { (guard) -> from(); effect; to(label); }

#define OK        "→ S_OK"
#define BAD       "→ MAPI_E_INVALID_PARAMETER"
#define CANCEL    "→ MAPI_E_USER_CANCEL"
#define NOT_INIT  "→ MAPI_E_NOT_INITIALIZED"
#define INVALID   "→ MAPI_E_INVALID_OBJECT"
#define NO_IFACE  "→ MAPI_E_INTERFACE_NOT_SUPPORTED"

/* A failure of one of the three codes that are offered, all of FACILITY_ITF (ERR-003). */
#define FAILS(what, guard, effect) \
	RETURN(what, guard, effect, INVALID) \
	RETURN(what, guard, effect, CANCEL) \
	RETURN(what, guard, effect, NOT_INIT)

/* QueryInterface fails, by any code on offer. */
#define FAILS_TO_ANSWER(what) \
	RETURN(what, off, skip, NO_IFACE) \
	RETURN(what, off, skip, CANCEL) \
	RETURN(what, off, skip, NOT_INIT)

/* ================ what follows from what ================ */

/* LOGOFF-024 (cancelled), LOGOFF-025 (refused), UNK-008 (a reference that is not the last is given back): whatever
 * worked before must work after. An answer that shows it settles the question, until the next disturbance. */
inline as_before() {
	disturbed = true;
	table_must = table_worked;
	o1_must = o1_worked;
	o2_must = o2_worked
}

/* LOGOFF-001: nothing works any more. That a table worked is remembered, so that it can be seen to be dead. */
inline log_off() {
	off = true;
	added = 0;
	live = false;
	table_worked = false; table_must = false; disturbed = false;
	o1_must = false; o2_must = false
}

inline give_up_reference() {
	refs--;
	if :: added > 0 -> added-- :: else fi;
	if
	:: refs > 0 -> as_before()
	:: else ->
		/* UNK-014, not at `documented`: a final Release without a Logoff gives the sink back, unless a table that is held
		   may keep the session (E-08). */
		if :: live && !o1_held && !o2_held -> back = (held > 0 && !MILD -> UNPAID : PAID) :: else fi;
		live = false;
		table_worked = false; table_must = false; disturbed = false;
		o1_worked = false; o1_must = false; o2_worked = false; o2_must = false
	fi
}

inline unadvised() {
	live = false;
	back = (held > 0 -> UNPAID : PAID)      /* NOTIFY-012 */
}

inline given_back() {
	held--;
	if :: back == UNPAID -> back = PAID :: else fi;
	stirred = DOUBT((pending == LOGOFF), false)
}

/* LOGOFF-026: at `robust` what nobody knows is refused. */
#define MUST_REFUSE   (LEVEL >= ROBUST && BAD_ARGUMENTS)
#define BAD_ARGUMENTS (HAS(ODD_FLAG) || HAS(RESERVED))
/* (C) With MAPI_LOGOFF_UI the window is used (LOGOFF-004), so one that is none is an argument of the wrong value. */
#define BAD_WINDOW DOUBT((HAS(UI_FLAG) && HAS(GARBAGE)), false)

active proctype client_and_session() {
	c_code { tell_init(); };
end:	do
	/* ================ the client calls ================ */
	CALL(true,                     RELEASE,  "s1->Release()")
	CALL(refs < 3 && added == 0,   ADDREF,   "s1->AddRef()")
	CALL(refs < 3 && (added > 0 || off), QI_UNK,   "s1->QueryInterface(IID_IUnknown)")
	CALL(refs < 3 && (added > 0 || off), QI_SESS,  "s1->QueryInterface(IID_IMAPISession)")
	CALL(true,                     QI_ODD,   "s1->QueryInterface(IID_Unheard)")
	CALL(opened == 0,              TABLE,    "o1 = s1->GetStatusTable()")
	CALL(opened == 1,              TABLE,    "o2 = s1->GetStatusTable()")
	CALL(o1_held,                  STATUS1,  "o1->GetStatus()")
	CALL(o2_held,                  STATUS2,  "o2->GetStatus()")
	CALL(o1_held && !off,          FREE1,    "o1->Release()")
	CALL(o2_held && !off,          FREE2,    "o2->Release()")
	CALL(!registered,              ADVISE,   "r1 = s1->Advise(fnevCriticalError|fnevExtended, k1)")
	CALL(live,                     UNADVISE, "s1->Unadvise(r1)")
	CALL_LOGOFF(0)  CALL_LOGOFF(1)  CALL_LOGOFF(2)  CALL_LOGOFF(3)
	CALL_LOGOFF(4)  CALL_LOGOFF(5)  CALL_LOGOFF(6)  CALL_LOGOFF(7)
	CALL_LOGOFF(8)  CALL_LOGOFF(9)  CALL_LOGOFF(10) CALL_LOGOFF(11)
	CALL_LOGOFF(12) CALL_LOGOFF(13) CALL_LOGOFF(14) CALL_LOGOFF(15)
	CALL_LOGOFF(16) CALL_LOGOFF(17) CALL_LOGOFF(18) CALL_LOGOFF(19)
	CALL_LOGOFF(20) CALL_LOGOFF(21) CALL_LOGOFF(22) CALL_LOGOFF(23)
	CALL_LOGOFF(24) CALL_LOGOFF(25) CALL_LOGOFF(26) CALL_LOGOFF(27)
	CALL_LOGOFF(28) CALL_LOGOFF(29) CALL_LOGOFF(30) CALL_LOGOFF(31)

	/* ================ Logoff answers ================ */
	/* LOGOFF-009, LOGOFF-005, SHARED-009; ERR-012 for a reserved word that is ignored. LOGOFF-003: without the UI flag
	 * no handle stands in the way. Where nothing is wrong with the arguments, success is all. */
	RETURN(LOGOFF, !off && !MUST_REFUSE, log_off(), OK)
	/* LOGOFF-006, LOGOFF-024: the UI flag lets a dialog be shown, and the person decline. */
	RETURN(LOGOFF, !off && HAS(UI_FLAG), as_before(), CANCEL)
	/* LOGOFF-011, ERR-005: a refusal for the arguments. LOGOFF-025: then nothing was done and nobody told (D). */
	RETURN(LOGOFF, !off && (BAD_ARGUMENTS || BAD_WINDOW) && !stirred, as_before(), BAD)
	/* At `documented` the code of a refusal is open. */
	RETURN(LOGOFF, !off && MILD && BAD_ARGUMENTS && !HAS(UI_FLAG) && !stirred, as_before(), CANCEL)
	RETURN(LOGOFF, !off && MILD && BAD_ARGUMENTS && !stirred, as_before(), NOT_INIT)
	/* A second Logoff is answered anyhow, and nothing follows (LOGOFF-028, DEAD-001). */
	RETURN(LOGOFF, off, skip, OK)
	RETURN(LOGOFF, off, skip, BAD)
	RETURN(LOGOFF, off, skip, CANCEL)
	RETURN(LOGOFF, off, skip, NOT_INIT)

	/* ================ IUnknown answers ================ */
	/* DEAD-002, LOGOFF-013, UNK-001, UNK-010: AddRef and Release work, at any time. */
	RETURN(RELEASE, true, give_up_reference(), OK)
	RETURN(ADDREF,  true, refs++; added = (off -> 0 : added + 1), OK)
	/* UNK-006: a session that is on has both interfaces. UNK-002: with a reference. */
	RETURN(QI_UNK,  !off, refs++; added++, OK)
	RETURN(QI_SESS, !off, refs++; added++, OK)
	/* A reading: after Logoff it may be answered anyhow; a pointer that comes carries a reference. */
	RETURN(QI_UNK,  off, refs++, OK)
	RETURN(QI_SESS, off, refs++, OK)
	FAILS_TO_ANSWER(QI_UNK)
	FAILS_TO_ANSWER(QI_SESS)
	/* UNK-003. UNK-011: and no other code, all others on offer being of FACILITY_ITF. */
	RETURN(QI_ODD, true, skip, NO_IFACE)
	/* (F) A reading: after Logoff the caller is to blame and QueryInterface may answer anything, a success included. */
	RETURN(QI_ODD, off && DOUBT(false, true), skip, OK)
	RETURN(QI_ODD, off && DOUBT(false, true), skip, CANCEL)
	RETURN(QI_ODD, off, skip, NOT_INIT)

	/* ================ GetStatusTable answers ================ */
	RETURN(TABLE, (!off || MILD) && opened == 0, opened = 1; o1_held = true; table_worked = !off; table_must = false, OK)
	RETURN(TABLE, (!off || MILD) && opened == 1, opened = 2; o2_held = true; table_worked = !off; table_must = false, OK)
	/* After Logoff a failure is all that may come (LOGOFF-001); at `documented` the caller is to blame (DEAD-001). */
	FAILS(TABLE, off || !table_must, table_worked = false)

	/* ================ a table answers GetStatus ================ */
	RETURN(STATUS1, !off, o1_worked = true; o1_must = false, OK)
	RETURN(STATUS2, !off, o2_worked = true; o2_must = false, OK)
	/* DEAD-005, DEAD-006: after Logoff a failure is all that may come. (E) The Rust side asks it only of a table that was
	 * seen to work, be it before Logoff or after. */
	RETURN(STATUS1, off && DOUBT(false, !o1_worked), o1_worked = true, OK)
	RETURN(STATUS2, off && DOUBT(false, !o2_worked), o2_worked = true, OK)
	FAILS(STATUS1, off || !o1_must, o1_worked = (off && o1_worked); o1_must = false)
	FAILS(STATUS2, off || !o2_must, o2_worked = (off && o2_worked); o2_must = false)
	/* UNK-008: that one table goes takes nothing from the other. */
	RETURN(FREE1, true, o1_held = false; o1_worked = false; o1_must = false; o2_must = o2_worked, OK)
	RETURN(FREE2, true, o2_held = false; o2_worked = false; o2_must = false; o1_must = o1_worked, OK)

	/* ================ Advise and Unadvise answer ================ */
	/* SESS-014: none of the failures on offer is on its page. */
	RETURN(ADVISE, !off || MILD, registered = true; live = !off, OK)
	FAILS(ADVISE, off, skip)                                 /* LOGOFF-001 */
	RETURN(UNADVISE, true, unadvised(), OK)                  /* SESS-015; a registration ends with its session */

	/* ================ the sink is called ================ */
	CALLBACK(pending == ADVISE && held == 0, held++, "← k1->AddRef")
	/* NOTIFY-014: given back no more often than it was referenced. */
	CALLBACK(held > 0 && (LEAVING || !live), given_back(), "← k1->Release")
	/* NOTIFY-010: only while a reference is held. */
	CALLBACK(!notified && held > 0 && LEAVING, notified = true; stirred = DOUBT((pending == LOGOFF), false),
		"← k1->OnNotify(fnevCriticalError)")
	/* NOTIFY-003: a registration on the session hears of no object. Where there never was one, nothing is said. */
	CALLBACK(!notified && held > 0 && LEAVING && !registered, notified = true; stirred = DOUBT((pending == LOGOFF), false),
		"← k1->OnNotify(fnevObjectModified)")

	/* ================ nothing more comes ================ */
	/* NOTIFY-012, UNK-014: by then the sink is given back. */
	:: d_step { QUIET && back == PAID -> from(); back = NOTHING; to("settled"); }
	od
}
