# What configure asks for, in one way for every thing: a fault is remembered,
# not fatal, so that the administrator learns everything at once.

# CLERK_MISSING(SENTENCE, DEBIAN-PACKAGE); the sentence is expanded by the shell
# and therefore holds no quotes.
AC_DEFUN([CLERK_MISSING],
[clerk_missing="${clerk_missing}
  * $1 Install the package $2."
case " $clerk_packages " in
  *" $2 "*) ;;
  *) clerk_packages="$clerk_packages $2" ;;
esac])

# CLERK_PKG(PREFIX, MODULE, MINIMUM-VERSION, DEBIAN-PACKAGE)
# Sets PREFIX_CFLAGS and PREFIX_LIBS, which the user may also give. Written
# here rather than taken from pkg.m4: without pkg-config's own package autoconf
# would stop at an undefined macro before configure could say what is missing.
AC_DEFUN([CLERK_PKG],
[AC_ARG_VAR([$1_CFLAGS], [compiler flags for $2, instead of pkg-config's])
AC_ARG_VAR([$1_LIBS], [linker flags for $2, instead of pkg-config's])
AC_MSG_CHECKING([for $2 >= $3])
if test -n "[$]$1_LIBS"; then
  AC_MSG_RESULT([given])
elif test -n "$PKG_CONFIG" && "$PKG_CONFIG" --exists "$2 >= $3"; then
  $1_CFLAGS=`"$PKG_CONFIG" --cflags "$2"`
  $1_LIBS=`"$PKG_CONFIG" --libs "$2"`
  clerk_version=`"$PKG_CONFIG" --modversion "$2"`
  AC_MSG_RESULT([$clerk_version])
elif test -n "$PKG_CONFIG" && "$PKG_CONFIG" --exists "$2"; then
  clerk_version=`"$PKG_CONFIG" --modversion "$2"`
  AC_MSG_RESULT([$clerk_version])
  CLERK_MISSING([$2 is here in version $clerk_version, but $3 or later is needed.], [$4])
else
  AC_MSG_RESULT([no])
  CLERK_MISSING([The headers of $2 ($3 or later) were not found.], [$4])
fi])

# CLERK_REPORT_MISSING: stop, with one sentence for each missing thing.
AC_DEFUN([CLERK_REPORT_MISSING],
[if test -n "$clerk_missing"; then
  AC_MSG_ERROR([something that the build needs is missing:
$clerk_missing

All of it, on Debian: apt-get install$clerk_packages])
fi])

# CLERK_TRY_FLAGS(VARIABLE, FLAGS): append each flag that the compiler takes
# for compiling and for linking without a complaint.
AC_DEFUN([CLERK_TRY_FLAGS],
[for clerk_flag in $2; do
  AC_MSG_CHECKING([whether $CC takes $clerk_flag])
  clerk_saved_cflags=$CFLAGS
  CFLAGS="$CFLAGS -Werror $clerk_flag"
  AC_LINK_IFELSE([AC_LANG_PROGRAM()],
    [AC_MSG_RESULT([yes])
     $1="[$]$1 $clerk_flag"],
    [AC_MSG_RESULT([no])])
  CFLAGS=$clerk_saved_cflags
done])

# CLERK_NEED_FLAGS(FLAGS, SENTENCE): the same, but together and compulsory.
AC_DEFUN([CLERK_NEED_FLAGS],
[AC_MSG_CHECKING([whether $CC takes $1])
clerk_saved_cflags=$CFLAGS
CFLAGS="$CFLAGS $1"
AC_LINK_IFELSE([$3],
  [AC_MSG_RESULT([yes])],
  [AC_MSG_RESULT([no])
   AC_MSG_ERROR([$2])])
CFLAGS=$clerk_saved_cflags])
