/* Calls that overlap: two members of a shared session on two threads, one of them told by a sink that may call back in,
 * on the thread of the Logoff or on one of the session's own. A second opinion on the model `race`.
 *
 * Level robust, era fast-shutdown. When the history begins, s1 and s2 are members of one shared session, k2 is
 * registered by s2 for the end of the session (r2) and held once by it, and a third member has left by a
 * Logoff(MAPI_LOGOFF_SHARED), of which one OnNotify with both events told: so it is known what one announcement brings.
 *
 * Which Logoff ends a session, of several that overlap, nobody sees. What is kept is the set of those that may have
 * (`may_end`), narrowed by every answer.
 */

#include "tell.pml"

/* ================ what is remembered ================ */

/* The calls under way: the first thread's, the second thread's, and the one from inside the callback. */
#define FIRST  0
#define SECOND 1
#define INNER  2

#define NONE     0
#define OFF1S    1          /* s1->Logoff(0, MAPI_LOGOFF_SHARED, 0) */
#define OFF1     2          /* s1->Logoff(0, 0, 0) */
#define OFF2     3          /* s2->Logoff(0, 0, 0) */
#define UNADVISE 4          /* s2->Unadvise(r2) */
byte call[3];
byte place[3];              /* in the order of entry: 1 is the earliest, 0 none */
bool may_end[3];            /* it may be the Logoff that ends its session */
bool dead[3];               /* an Unadvise that was entered after the end of s2 */
bool unknown[3];            /* an Unadvise that was entered after the end of r2 */

byte inside;                /* 1 + the thread on which OnNotify runs, 0 if it does not */

bool ended1, ended2;        /* a Logoff of s1, of s2 has succeeded */
bool over1, over2;          /* it has ended for certain: that, or another was answered as after the end */
bool live = true;           /* the registration r2 lives */
byte held = 1;              /* references to k2 */
byte notified;              /* a bound: two notifications in a history */

byte back;                  /* debt: k2 is to be given back (NOTIFY-012) */

byte told;                  /* debt: k2 is to be told of s1's Logoff (SHARED-004) */
byte teller;                /* 1 + the Logoff under way that owes it, 0 once that has returned */
byte heard;                 /* what k2 was told meanwhile: bit 1 fnevCriticalError, bit 2 fnevExtended */
bool moot;                  /* ... and nothing of it is held against the session any more */
bool twice;                 /* it was told one of these more than once */
bool overlap;               /* another Logoff of s1 overlaps the one that owes the word */

byte hush;                  /* debt: a Logoff after the end tells nothing again (LOGOFF-028); PAID until it does */
bool announced;             /* the word of s1's end was owed once */

c_code {
	void key(char *to) {
		int i;
		for (i = 0; i < 3; i++)
			to += sprintf(to, "%d%d%d%d%d.", now.call[i], now.place[i], now.may_end[i], now.dead[i], now.unknown[i]);
		sprintf(to, "%d.%d%d%d%d.%d%d.%d.%d.%d%d%d%d%d%d.%d%d", now.inside, now.ended1, now.ended2, now.over1, now.over2,
			now.live, now.held, now.notified, now.back, now.told, now.teller, now.heard, now.moot, now.twice, now.overlap,
			now.hush, now.announced);
	}
};

/* ================ labels with a thread or a number ================ */

c_decl {
	extern void tell_on(const char *, int);
	extern void returns(const char *, int);
	extern void tell_return(void);
	extern int thread_of(int);
	extern int earliest(void);
};
c_code {
	int thread_of(int slot) { return slot == 2 ? now.inside - 1 : slot; }
	int earliest(void) {
		int i;
		for (i = 0; i < 3; i++) if (now.place[i] == 1) return thread_of(i);
		return 0;
	}
#ifdef SILENT
	void tell_on(const char *what, int thread) {}
	void returns(const char *code, int slot) {}
	void tell_return(void) {}
#else
	void tell_on(const char *what, int thread) {
		static const char *on[3] = { "", " [thread 2]", " [thread 3]" };
		char label[128];
		sprintf(label, "%s%s", what, on[thread]);
		tell(label);
	}
	/* A return is worded before the call is forgotten, and told after. */
	static char wording[128];
	void returns(const char *code, int slot) {
		int id = 1 + thread_of(slot) + (slot == 2 ? 10 : 0);
		if (id == 1) sprintf(wording, "→ %s", code); else sprintf(wording, "→ %s (call %d)", code, id);
	}
	void tell_return(void) { tell(wording); }
#endif
};

/* ================ what can be asked of a state ================ */

#define UNDER_WAY  ((call[0] != NONE) + (call[1] != NONE) + (call[2] != NONE))
#define ENDS1(c)   (call[c] == OFF1S || call[c] == OFF1)
#define ENDS2(c)   (call[c] == OFF2)
#define UNADVISES  (call[0] == UNADVISE || call[1] == UNADVISE || call[2] == UNADVISE)
#define LEAVES2    (ENDS2(0) || ENDS2(1) || ENDS2(2))
/* how many Logoffs under way, but for c, may be the one that ends the session */
#define MAY1(c, o) (o != c && ENDS1(o) && may_end[o])
#define MAY2(c, o) (o != c && ENDS2(o) && may_end[o])
#define OTHERS1(c) (MAY1(c, 0) + MAY1(c, 1) + MAY1(c, 2))
#define OTHERS2(c) (MAY2(c, 0) + MAY2(c, 1) + MAY2(c, 2))

/* every call here ends something, and a sink is given back on the thread of the earliest */
#define EARLIEST   (place[0] == 1 -> 0 : (place[1] == 1 -> 1 : (place[2] == 1 -> inside - 1 : 0)))

#define OWED       (back != NOTHING || told != NOTHING || hush != NOTHING)
#define UNSETTLED  (back == UNPAID || (told == UNPAID && !moot) || hush == UNPAID)
/* NOTIFY-004, NOTIFY-005: like Logoffs are announced alike, so with both events, in whatever parts. */
#define ALIKE      (heard == 0 || heard == 3 || !live || ended2)
/* THREAD-008: Logoffs that overlap are announced as one is. A reading: to a member that is on. */
#define TOO_MUCH   (overlap && twice && !ended2)

/* ================ a call is entered ================ */

/* (H) A Logoff that is entered when the session has ended for certain cannot be the one that ends it. The Rust side takes
 * it for one as long as none has succeeded. */
inline enter(c, what) {
	place[c] = UNDER_WAY + 1;
	call[c] = what;
	if
	:: ENDS1(c) ->
		may_end[c] = !DOUBT(over1, ended1);
		/* LOGOFF-028. A reading: held against the session only where a member is on that was to hear of the first. */
		if :: ended1 && announced && hush == NOTHING && live && !LEAVES2 -> hush = PAID :: else fi;
		if :: told != NOTHING && OTHERS1(c) > 0 -> overlap = true :: else fi;
		/* SHARED-004: s2 is to be told, if it is on and registered for certain; by the first of those that overlap. */
		if :: what == OFF1S && !over1 && live && told == NOTHING && !LEAVES2 && OTHERS1(c) == 0 ->
			told = UNPAID; teller = c + 1; announced = true;
			/* A reading: whoever is giving up its registration meanwhile need not hear. */
			moot = UNADVISES
		:: else fi;
		/* A reading: of a Logoff with the flag and one without, either may be the one that ends the session. */
		if :: what == OFF1 && told != NOTHING && (OTHERS1(c) > 0 || ended1) -> moot = true :: else fi
	:: ENDS2(c) ->
		if :: told == UNPAID -> moot = true :: else fi;
		may_end[c] = !DOUBT(over2, ended2)
	:: else ->
		if :: told == UNPAID -> moot = true :: else fi;
		dead[c] = DOUBT(over2, ended2);
		unknown[c] = !live
	fi
}

#define CALL(c, guard, what, label) \
	:: d_step { UNDER_WAY < 3 && call[c] == NONE && (guard) -> from(); enter(c, what); \
		c_code { tell_on(label, thread_of(c)); }; }

/* ================ a call returns ================ */

inline hears_no_more() {
	live = false;
	if :: told == UNPAID -> moot = true :: else fi
}

inline succeed(c) {
	if
	:: ENDS1(c) ->
		ended1 = true; over1 = true;
		if :: teller == c + 1 -> teller = 0 :: else fi
	:: ENDS2(c) ->
		ended2 = true; over2 = true;
		hears_no_more()
	:: else ->
		/* NOTIFY-012. A reading: not where s2 is leaving, which may have come first. */
		if :: live && !LEAVES2 -> back = (held > 0 -> UNPAID : PAID) :: else fi;
		hears_no_more()
	fi
}

/* It is answered as after the end: so another has ended the session. */
inline fail(c) {
	if
	:: ENDS1(c) ->
		over1 = true;
		/* The word is owed by the Logoff that ends the session: where this one failed, by another with the flag. */
		if :: teller == c + 1 ->
			teller = 0;
			if
			:: call[1 - c] == OFF1S && !ended1 -> teller = 2 - c
			:: else ->
				if :: !ended1 ->
					told = NOTHING; moot = false; heard = 0; twice = false; overlap = false; announced = false
				:: else fi
			fi
		:: else fi
	:: ENDS2(c) -> over2 = true
	:: else -> if :: unknown[c] -> skip :: else -> over2 = true fi
	fi
}

inline leave(c) {
	if :: place[0] > place[c] -> place[0]-- :: else fi;
	if :: place[1] > place[c] -> place[1]-- :: else fi;
	if :: place[2] > place[c] -> place[2]-- :: else fi;
	call[c] = NONE; place[c] = 0; may_end[c] = false; dead[c] = false; unknown[c] = false
}

/* A call returns after the callback on its thread, if there is one. */
#define RETURNS(c, guard, effect, code) \
	:: d_step { call[c] != NONE && (c == INNER || inside != c + 1) && (guard) -> from(); effect; \
		c_code { returns(code, c); }; leave(c); c_code { tell_return(); }; }

/* LOGOFF-009, SESS-015: success. It is also open to a second Logoff; and not to an Unadvise that came after the end of its
 * session (LOGOFF-001). THREAD-008: a call that met the end, or may have met it, may be answered as after it: by any
 * failure (DEAD-003: but by an answer). So may an Unadvise of a registration that is over: SESS-015 leaves it open. */
#define ANSWERS(c) \
	RETURNS(c, !dead[c], succeed(c), "S_OK") \
	RETURNS(c, MAY_FAIL(c) && call[c] != UNADVISE, fail(c), "MAPI_E_INVALID_PARAMETER") \
	RETURNS(c, MAY_FAIL(c) && call[c] == UNADVISE, fail(c), "MAPI_E_INVALID_OBJECT") \
	RETURNS(c, MAY_FAIL(c), fail(c), "MAPI_E_USER_CANCEL") \
	RETURNS(c, MAY_FAIL(c), fail(c), "MAPI_E_NOT_INITIALIZED")
#define MAY_FAIL(c) \
	(unknown[c] || (ENDS1(c) && (ended1 || OTHERS1(c) > 0)) || (!ENDS1(c) && (ended2 || OTHERS2(c) > 0)))

/* ================ the sink is called ================ */

/* THREAD-005: on any thread. Which threads, the cast says: that of a Logoff of s1, or the session's own while a debt is
 * open. NOTIFY-010: only while a reference is held.
 * LOGOFF-028 (J): the Rust side counts what comes to the first Logoff as long as nothing has settled, even where that was
 * announced in full. */
inline hear(events) {
	if :: told == UNPAID -> told = PAID :: else fi;
	if :: hush == PAID && !ended2 && !LEAVES2 && (told == NOTHING || DOUBT(heard == 3, false)) -> hush = UNPAID :: else fi;
	if
	:: told == NOTHING -> skip
	:: else ->
		if :: (heard & events) != 0 -> twice = true :: else fi;
		heard = heard | events
	fi
}

#define TELL(thread, guard, events, name) \
	:: d_step { inside == 0 && notified < 2 && held > 0 && (guard) -> from(); \
		notified++; inside = thread + 1; hear(events); \
		c_code { tell_on("← k2->OnNotify(" name ")", thread); }; }
#define TELLS(thread, guard) \
	TELL(thread, guard, 1, "fnevCriticalError") \
	TELL(thread, guard, 2, "fnevExtended") \
	TELL(thread, guard, 3, "fnevCriticalError|fnevExtended")

#define TOLD(thread, id) \
	:: d_step { inside == thread + 1 && call[INNER] == NONE -> from(); inside = 0; \
		to("OnNotify returns (callback " id ")"); }

active proctype everybody() {
	c_code { tell_init(); };
end:	do
	/* ================ the clients, and the sink from inside OnNotify, call ================ */
	CALL(FIRST,  inside != FIRST + 1,  OFF1S,    "s1->Logoff(0x0, MAPI_LOGOFF_SHARED, 0x0)")
	CALL(SECOND, inside != SECOND + 1, OFF1S,    "s1->Logoff(0x0, MAPI_LOGOFF_SHARED, 0x0)")
	CALL(SECOND, inside != SECOND + 1, OFF2,     "s2->Logoff(0x0, 0x0, 0x0)")
	CALL(INNER,  inside != 0,          OFF1,     "s1->Logoff(0x0, 0x0, 0x0)")
	CALL(INNER,  inside != 0,          OFF2,     "s2->Logoff(0x0, 0x0, 0x0)")
	CALL(INNER,  inside != 0,          UNADVISE, "s2->Unadvise(r2)")

	/* ================ answers ================ */
	ANSWERS(FIRST)
	ANSWERS(SECOND)
	ANSWERS(INNER)

	/* ================ the sink is called ================ */
	TELLS(0, ENDS1(FIRST))
	TELLS(1, ENDS1(SECOND))
	TELLS(2, OWED)
	TOLD(0, "101")
	TOLD(1, "102")
	TOLD(2, "103")
	/* NOTIFY-014: no more often than it was referenced. NOTIFY-012: not while OnNotify runs on another thread. */
	:: d_step { held > 0 && (UNDER_WAY > 0 || !live) && (inside == 0 || inside == EARLIEST + 1) -> from();
		held--; if :: back == UNPAID -> back = PAID :: else fi;
		c_code { tell_on("← k2->Release", earliest()); }; }

	/* ================ nothing more comes ================ */
	:: d_step { UNDER_WAY == 0 && inside == 0 && OWED && !UNSETTLED && (moot || ALIKE && !TOO_MUCH) -> from();
		back = NOTHING; told = NOTHING; hush = NOTHING;
		moot = false; heard = 0; twice = false; overlap = false; to("settled"); }
	od
}
