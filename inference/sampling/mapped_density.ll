; A density in the coordinates of a triangular map, see mapped_density.py, which puts in lines for "fields" (the entries of
; the table) and the engine's own functions.
define internal double @exponential(double %y) {
  %low = call double @llvm.maxnum.f64(double %y, double -40.0)
  %x = call double @llvm.minnum.f64(double %low, double 40.0)
  %e = call double @exp.f64(double %x)
  ret double %e
}

define internal double @logistic(double %y) {
  %x = fneg double %y
  %e = call double @exponential(double %x)
  %d = fadd double 1.0, %e
  %s = fdiv double 1.0, %d
  ret double %s
}

define internal double @log_steepness(double %skew, double %w) {
  %y = fmul double %skew, %w
  %low = call double @llvm.maxnum.f64(double %y, double -1.25)
  %x = call double @llvm.minnum.f64(double %low, double 1.25)
  ret double %x
}

define internal double @forward(i64 %n, ptr %w, ptr %v, ptr %sigmas, ptr %owns, ptr %function, ptr %derivative, ptr %table) {
; fields
  %one = getelementptr double, ptr %function, i64 %n
  store double 1.0, ptr %one
  br label %each
each:
  %p = phi i64 [0, %0], [%p.next, %done]
  %volume = phi double [0.0, %0], [%volume.next, %done]
  %p.next = add i64 %p, 1
  %i.at = getelementptr i64, ptr %order, i64 %p
  %i = load i64, ptr %i.at
  %begin.at = getelementptr i64, ptr %first, i64 %p
  %begin = load i64, ptr %begin.at
  %end.at = getelementptr i64, ptr %first, i64 %p.next
  %end = load i64, ptr %end.at
  %w.at = getelementptr double, ptr %w, i64 %i
  %w.i = load double, ptr %w.at
  %scale.at = getelementptr double, ptr %scale, i64 %i
  %scale.i = load double, ptr %scale.at
  %wide.at = getelementptr i64, ptr %first_width, i64 %p
  %wide.begin = load i64, ptr %wide.at
  %wide.end.at = getelementptr i64, ptr %first_width, i64 %p.next
  %wide.end = load i64, ptr %wide.end.at
  br label %wide.test
wide.test:
  %u = phi i64 [%wide.begin, %each], [%u.next, %wide]
  %log = phi double [0.0, %each], [%log.next, %wide]
  %wider = icmp slt i64 %u, %wide.end
  br i1 %wider, label %wide, label %widened
wide:
  %u.next = add i64 %u, 1
  %by.at = getelementptr i64, ptr %width_of, i64 %u
  %by = load i64, ptr %by.at
  %fu.at = getelementptr double, ptr %function, i64 %by
  %fu = load double, ptr %fu.at
  %cu.at = getelementptr double, ptr %widenings, i64 %u
  %cu = load double, ptr %cu.at
  %log.more = fmul double %cu, %fu
  %log.next = fadd double %log, %log.more
  br label %wide.test
widened:
  %width = call double @exponential(double %log)
  %sigma = fmul double %width, %scale.i
  %skew.at = getelementptr double, ptr %skew, i64 %i
  %skew.i = load double, ptr %skew.at
  %log.steep = call double @log_steepness(double %skew.i, double %w.i)
  %steepness = call double @exponential(double %log.steep)
  %grown = fsub double %steepness, 1.0
  %curved = fdiv double %grown, %skew.i
  %where.line = fdiv double %log.steep, %skew.i
  %beyond = fsub double %w.i, %where.line
  %line = fmul double %steepness, %beyond
  %bent = fadd double %curved, %line
  %is.straight = fcmp oeq double %skew.i, 0.0
  %shaped = select i1 %is.straight, double %w.i, double %bent
  %log.both = fadd double %log, %log.steep
  %volume.next = fadd double %volume, %log.both
  %sigma.steep = fmul double %sigma, %steepness
  %sigma.at = getelementptr double, ptr %sigmas, i64 %i
  store double %sigma.steep, ptr %sigma.at
  %own = fmul double %shaped, %sigma
  %own.at = getelementptr double, ptr %owns, i64 %i
  store double %own, ptr %own.at
  br label %test
test:
  %t = phi i64 [%begin, %widened], [%t.next, %term]
  %sum = phi double [%own, %widened], [%sum.next, %term]
  %more = icmp slt i64 %t, %end
  br i1 %more, label %term, label %done
term:
  %t.next = add i64 %t, 1
  %three = mul i64 %t, 3
  %a.at = getelementptr i64, ptr %factors, i64 %three
  %a = load i64, ptr %a.at
  %b.at = getelementptr i64, ptr %a.at, i64 1
  %b = load i64, ptr %b.at
  %fa.at = getelementptr double, ptr %function, i64 %a
  %fa = load double, ptr %fa.at
  %fb.at = getelementptr double, ptr %function, i64 %b
  %fb = load double, ptr %fb.at
  %d.index.at = getelementptr i64, ptr %a.at, i64 2
  %d.index = load i64, ptr %d.index.at
  %fd.at = getelementptr double, ptr %function, i64 %d.index
  %fd = load double, ptr %fd.at
  %c.at = getelementptr double, ptr %coefficients, i64 %t
  %c = load double, ptr %c.at
  %ab = fmul double %fa, %fb
  %abc = fmul double %ab, %fd
  %cab = fmul double %c, %abc
  %sum.next = fadd double %sum, %cab
  br label %test
done:
  %v.at = getelementptr double, ptr %v, i64 %i
  store double %sum, ptr %v.at
  %slope.at = getelementptr double, ptr %slope, i64 %i
  %slope.i = load double, ptr %slope.at
  %bend.at = getelementptr double, ptr %bend, i64 %i
  %bend.i = load double, ptr %bend.at
  %shift.at = getelementptr double, ptr %shift, i64 %i
  %shift.i = load double, ptr %shift.at
  %stretch.at = getelementptr double, ptr %stretch, i64 %i
  %stretch.i = load double, ptr %stretch.at
  %far = fsub double %sum, %bend.i
  %y = fmul double %far, %slope.i
  %growth.at = getelementptr double, ptr %growth, i64 %i
  %growth.i = load double, ptr %growth.at
  %y.square = fmul double %y, %y
  %square = fmul double %growth.i, %y.square
  %root.square = fadd double 1.0, %square
  %root = call double @llvm.sqrt.f64(double %root.square)
  %y.grown = fmul double %y, %root
  %s = call double @logistic(double %y.grown)
  %s.shifted = fsub double %s, %shift.i
  %f = fmul double %s.shifted, %stretch.i
  %f.at = getelementptr double, ptr %function, i64 %i
  store double %f, ptr %f.at
  %itself.at = getelementptr double, ptr %one, i64 %i
  %itself.next = getelementptr double, ptr %itself.at, i64 1
  store double %sum, ptr %itself.next
  %rest = fsub double 1.0, %s
  %both = fmul double %s, %rest
  %steep = fmul double %slope.i, %stretch.i
  %d.logistic = fmul double %both, %steep
  %square.both = fadd double %root.square, %square
  %grows = fdiv double %square.both, %root
  %d = fmul double %d.logistic, %grows
  %d.at = getelementptr double, ptr %derivative, i64 %i
  store double %d, ptr %d.at
  %again = icmp slt i64 %p.next, %n
  br i1 %again, label %each, label %out
out:
  ret double %volume.next
}

define i64 @mapped_expand(i64 %n, i64 %expanded, ptr %w, ptr %result, ptr %table) {
; fields
  %twice = mul i64 %n, 2
  %room = add i64 %twice, 1
  %v = alloca double, i64 %room
  %sigmas = alloca double, i64 %room
  %owns = alloca double, i64 %room
  %function = alloca double, i64 %room
  %derivative = alloca double, i64 %room
  %volume = call double @forward(i64 %n, ptr %w, ptr %v, ptr %sigmas, ptr %owns, ptr %function, ptr %derivative, ptr %table)
  %code = call i64 %expand(i64 %n, i64 %expanded, ptr %v, ptr %result, ptr %data)
  ret i64 %code
}

define i64 @mapped_logp(i64 %n, ptr %w, ptr %gradient, ptr %value, ptr %table) {
; fields
  %twice = mul i64 %n, 2
  %room = add i64 %twice, 1
  %v = alloca double, i64 %room
  %sigmas = alloca double, i64 %room
  %owns = alloca double, i64 %room
  %function = alloca double, i64 %room
  %derivative = alloca double, i64 %room
  %by_v = alloca double, i64 %room
  %by_function = alloca double, i64 %room
  %volume = call double @forward(i64 %n, ptr %w, ptr %v, ptr %sigmas, ptr %owns, ptr %function, ptr %derivative, ptr %table)
  %code = call i64 %logp(i64 %n, ptr %v, ptr %by_v, ptr %value, ptr %data)
  %inner = load double, ptr %value
  %whole = fadd double %inner, %volume
  store double %whole, ptr %value
  br label %clear
clear:
  %k = phi i64 [0, %0], [%k.next, %clear]
  %k.at = getelementptr double, ptr %by_function, i64 %k
  store double 0.0, ptr %k.at
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, %room
  br i1 %k.more, label %clear, label %start
start:
  %by_one = getelementptr double, ptr %by_function, i64 %n
  %by_first = getelementptr double, ptr %by_one, i64 1
  br label %each
each:
  %p.next = phi i64 [%n, %start], [%p, %done]
  %p = sub i64 %p.next, 1
  %i.at = getelementptr i64, ptr %order, i64 %p
  %i = load i64, ptr %i.at
  %begin.at = getelementptr i64, ptr %first, i64 %p
  %begin = load i64, ptr %begin.at
  %end.at = getelementptr i64, ptr %first, i64 %p.next
  %end = load i64, ptr %end.at
  %gv.at = getelementptr double, ptr %by_v, i64 %i
  %gv = load double, ptr %gv.at
  %gf.at = getelementptr double, ptr %by_function, i64 %i
  %gf = load double, ptr %gf.at
  %d.at = getelementptr double, ptr %derivative, i64 %i
  %d = load double, ptr %d.at
  %through = fmul double %gf, %d
  %gi.at = getelementptr double, ptr %by_first, i64 %i
  %gi = load double, ptr %gi.at
  %direct = fadd double %gv, %gi
  %g = fadd double %direct, %through
  %sigma.at = getelementptr double, ptr %sigmas, i64 %i
  %sigma = load double, ptr %sigma.at
  %gw = fmul double %g, %sigma
  %w.at = getelementptr double, ptr %w, i64 %i
  %w.i = load double, ptr %w.at
  %skew.at = getelementptr double, ptr %skew, i64 %i
  %skew.i = load double, ptr %skew.at
  %log.steep = call double @log_steepness(double %skew.i, double %w.i)
  %product = fmul double %skew.i, %w.i
  %is.curved = fcmp oeq double %product, %log.steep
  %steeper = select i1 %is.curved, double %skew.i, double 0.0
  %gw.all = fadd double %gw, %steeper
  %gw.at = getelementptr double, ptr %gradient, i64 %i
  store double %gw.all, ptr %gw.at
  %own.at = getelementptr double, ptr %owns, i64 %i
  %own = load double, ptr %own.at
  %by_log.own = fmul double %g, %own
  %by_log = fadd double %by_log.own, 1.0
  %wide.at = getelementptr i64, ptr %first_width, i64 %p
  %wide.begin = load i64, ptr %wide.at
  %wide.end.at = getelementptr i64, ptr %first_width, i64 %p.next
  %wide.end = load i64, ptr %wide.end.at
  br label %wide.test
wide.test:
  %u = phi i64 [%wide.begin, %each], [%u.next, %wide]
  %wider = icmp slt i64 %u, %wide.end
  br i1 %wider, label %wide, label %test
wide:
  %u.next = add i64 %u, 1
  %by.at = getelementptr i64, ptr %width_of, i64 %u
  %by = load i64, ptr %by.at
  %cu.at = getelementptr double, ptr %widenings, i64 %u
  %cu = load double, ptr %cu.at
  %gu.at = getelementptr double, ptr %by_function, i64 %by
  %gu = load double, ptr %gu.at
  %gu.more = fmul double %by_log, %cu
  %gu.new = fadd double %gu, %gu.more
  store double %gu.new, ptr %gu.at
  br label %wide.test
test:
  %t = phi i64 [%begin, %wide.test], [%t.next, %term]
  %more = icmp slt i64 %t, %end
  br i1 %more, label %term, label %done
term:
  %t.next = add i64 %t, 1
  %three = mul i64 %t, 3
  %a.at = getelementptr i64, ptr %factors, i64 %three
  %a = load i64, ptr %a.at
  %b.at = getelementptr i64, ptr %a.at, i64 1
  %b = load i64, ptr %b.at
  %fa.at = getelementptr double, ptr %function, i64 %a
  %fa = load double, ptr %fa.at
  %fb.at = getelementptr double, ptr %function, i64 %b
  %fb = load double, ptr %fb.at
  %c.at = getelementptr double, ptr %coefficients, i64 %t
  %c = load double, ptr %c.at
  %e.at = getelementptr i64, ptr %a.at, i64 2
  %e = load i64, ptr %e.at
  %fe.at = getelementptr double, ptr %function, i64 %e
  %fe = load double, ptr %fe.at
  %gc = fmul double %g, %c
  %gca = fmul double %gc, %fa
  %gcb = fmul double %gc, %fb
  %ga.at = getelementptr double, ptr %by_function, i64 %a
  %ga = load double, ptr %ga.at
  %ga.more = fmul double %gcb, %fe
  %ga.new = fadd double %ga, %ga.more
  store double %ga.new, ptr %ga.at
  %gb.at = getelementptr double, ptr %by_function, i64 %b
  %gb = load double, ptr %gb.at
  %gb.more = fmul double %gca, %fe
  %gb.new = fadd double %gb, %gb.more
  store double %gb.new, ptr %gb.at
  %ge.at = getelementptr double, ptr %by_function, i64 %e
  %ge = load double, ptr %ge.at
  %ge.more = fmul double %gca, %fb
  %ge.new = fadd double %ge, %ge.more
  store double %ge.new, ptr %ge.at
  br label %test
done:
  %again = icmp sgt i64 %p, 0
  br i1 %again, label %each, label %out
out:
  ret i64 %code
}
